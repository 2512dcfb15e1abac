"""Every setting that the shop reads: the one source of `.env.example` and of docs/settings.md.

`python -m tests.house.settings` writes them.
"""

from dataclasses import dataclass

from core.problems import BilingualText as Text


@dataclass(frozen=True)
class Setting:
    """Names that one sentence explains, each with its default; an empty default is none."""

    defaults: dict[str, str]
    meaning: Text
    is_required: bool = False


SECTIONS: dict[Text, tuple[Setting, ...]] = {
    Text("개발과 프로덕션", "Development or production"): (
        Setting(
            {"DEBUG": "0"},
            Text(
                "개발할 때 켜요(1). 자세한 오류 페이지, 내장 서비스, 자동으로 만든 키를 써요. `make run`은"
                " 여기나 환경 변수에 다른 값이 없으면 켜요.",
                "On (1) for development: error pages with details, the embedded services, keys made by"
                " themselves. `make run` turns it on unless something is said here or in the environment.",
            ),
        ),
    ),
    Text("`DEBUG`가 꺼져 있으면 필수", "Required where `DEBUG` is off"): (
        Setting(
            {"SECRET_KEY": ""},  # nosec B105 # none
            Text(
                "세션에 서명해요. 32자 이상. `DEBUG`가 켜져 있으면 하나를 만들어 `.local`에 보관해요.",
                "Signs sessions; 32 characters or more. With `DEBUG` on, one is made and kept in `.local`.",
            ),
            is_required=True,
        ),
        Setting(
            {"ALLOWED_HOSTS": ""},
            Text(
                "응답할 호스트 이름. 쉼표로 구분해요. `DEBUG`가 켜져 있으면 localhost예요.",
                "Host names that are answered, separated by commas. With `DEBUG` on: localhost.",
            ),
            is_required=True,
        ),
        Setting(
            {"CSRF_TRUSTED_ORIGINS": ""},
            Text(
                "관리자 페이지의 양식을 보내도 되는 출처. 쉼표로 구분해요. 예: `https://shop.example`.",
                "Origins the admin's forms may be sent from, separated by commas, as in"
                " `https://shop.example`.",
            ),
            is_required=True,
        ),
        Setting(
            {"DATABASE_URL": ""},
            Text(
                "PostgreSQL. 예: `postgresql://user:password@host:5432/pointshop`. 호스트 여러 개, 소켓,"
                " 옵션은 libpq의 방식대로 쓰고, 특수 문자는 퍼센트 인코딩해요. 없으면 내장 서버를 써요.",
                "PostgreSQL, as in `postgresql://user:password@host:5432/pointshop`, with several hosts, a"
                " socket and options as libpq has them; what is special in a part is percent-encoded."
                " Unset: the embedded one.",
            ),
            is_required=True,
        ),
        Setting(
            {"REDIS_URL": ""},
            Text(
                "Redis. 예: `redis://:password@host:6379/0`, `rediss://host`,"
                " `unix://:password@/run/redis.sock?db=0`. redis-py의 옵션 중 Celery에도 있는 것을 쓸 수"
                " 있어요. Sentinel은 `sentinel://one;two/0?master_name=shop`처럼 써요(docs/ko/operations.md)."
                " 없으면 내장 서버를 써요.",
                "Redis, as in `redis://:password@host:6379/0`, `rediss://host` or"
                " `unix://:password@/run/redis.sock?db=0`, with those options of redis-py that Celery has,"
                " too; by Sentinel as in `sentinel://one;two/0?master_name=shop` (docs/operations.md)."
                " Unset: the embedded one.",
            ),
            is_required=True,
        ),
    ),
    Text("호출할 수 있는 쪽", "Who may call"): (
        Setting(
            {"GATEWAY_SECRET": ""},  # nosec B105 # none
            Text(
                "게이트웨이가 `X-Gateway-Secret`으로 보내는 값. 없으면 `X-User-Id`를 그대로 믿어요.",
                "What the gateway sends as `X-Gateway-Secret`. Unset: `X-User-Id` is trusted as it comes.",
            ),
        ),
        Setting(
            {"CORS_ALLOWED_ORIGINS": ""},
            Text(
                "브라우저에서 API를 호출해도 되는 페이지의 출처. 쉼표로 구분해요.",
                "Origins whose pages may call the API from a browser, separated by commas.",
            ),
        ),
        Setting(
            {"RATE_LIMITS": ""},
            Text(
                "호출자 한 명이 엔드포인트를 호출할 수 있는 횟수. 예:"
                " `order-create=5/s,coupon-issue=60/min,*=1000/h`. 없으면 제한하지 않아요.",
                "How often one caller may call an endpoint, as in"
                " `order-create=5/s,coupon-issue=60/min,*=1000/h`. Unset: no limit.",
            ),
        ),
    ),
    Text("데이터 플랫폼", "The data platform"): (
        Setting(
            {"DATA_PLATFORM_URL": ""},
            Text(
                "주문 이벤트를 보낼 곳. `https://user:p%40ss@host/events`처럼 퍼센트 인코딩해 적은 계정은"
                " Basic 인증으로 보내요. 없으면 `make run`의 로컬 수신 서버로 보내고, 그것도 없으면"
                " 이벤트가 테이블에서 기다려요.",
                "Where order events are posted to. Credentials in it, percent-encoded as in"
                " `https://user:p%40ss@host/events`, are sent as Basic authorization."
                " Unset: the local receiver of `make run`, else events wait.",
            ),
        ),
        Setting(
            {"DATA_PLATFORM_SECRET": ""},  # nosec B105 # none
            Text(
                "이벤트에 서명하는 `whsec_…` 키(Standard Webhooks). 없으면 서명하지 않아요. `make run`은"
                " 로컬 수신 서버에 쓸 키를 만들어요.",
                "Signs the events (Standard Webhooks), as in `whsec_…`."
                " Unset: unsigned; `make run` makes one for its receiver.",
            ),
        ),
        Setting(
            {"EVENT_SOURCE": "/orders"},
            Text(
                "이벤트의 `source`에 적는 URI 참조. 바꾸면 그다음 주문부터 적용돼요.",
                "What events name as their `source`, a URI reference. A change counts for the orders placed"
                " from then on.",
            ),
        ),
    ),
    Text("프로세스", "Processes"): (
        Setting(
            {"HOST": "127.0.0.1", "PORT": "8000"},
            Text(
                "웹 서버의 주소. `HOST`는 워커의 `METRICS_PORT`에도 쓰여요. `DEBUG`가 켜져 있으면 이"
                " 컴퓨터에서만 접속할 수 있는 127.0.0.1, ::1, localhost만 쓸 수 있어요.",
                "Where the web server listens; `HOST` counts for a worker's `METRICS_PORT` too. With"
                " `DEBUG` on, only this machine may reach it: 127.0.0.1, ::1 or localhost.",
            ),
        ),
        Setting(
            {"WEB_CONCURRENCY": ""},
            Text(
                "웹 프로세스의 수. 없으면 쓸 수 있는 코어 수만큼이에요. 컨테이너의 CPU 제한은 올림해서 세요.",
                "How many web processes. Unset: as many as the cores that may be used, a container's CPU"
                " limit rounded up.",
            ),
        ),
        Setting(
            {"CELERY_BROKER_URL": "", "CACHE_URL": ""},
            Text(
                "Celery용 Redis와 캐시용 Redis를 나눌 때 써요. 없으면 `REDIS_URL`이에요.",
                "Redis for Celery and for the cache, to keep them apart. Unset: `REDIS_URL`.",
            ),
        ),
        Setting(
            {"METRICS_PORT": "0"},
            Text(
                "Celery 워커가 Prometheus에 지표를 보여 줄 포트. 0이면 보여 주지 않아요. 프로세스들이 함께"
                " 세는 빈 폴더 `PROMETHEUS_MULTIPROC_DIR`이 필요해요. (웹 서버의 지표는 `/metrics`에"
                " 있어요.)",
                "Where a Celery worker shows its metrics to Prometheus; 0: nowhere. It needs"
                " `PROMETHEUS_MULTIPROC_DIR`, an empty folder that its processes count in."
                " (The web server shows its own at `/metrics`.)",
            ),
        ),
        Setting(
            {"PREPARED_STATEMENTS": "1"},
            Text(
                "PostgreSQL이 문장의 실행 계획을 보관하게 할지 정해요. 1.22보다 오래된 pgbouncer나"
                " `max_prepared_statements = 0`인 pgbouncer 뒤에서는 0.",
                "Whether processes have PostgreSQL keep the plans of their statements. Behind a pgbouncer"
                " older than 1.22, or one with `max_prepared_statements = 0`: 0.",
            ),
        ),
        Setting(
            {"BEAT_FILE": ""},
            Text(
                "Celery beat가 약 1초마다 갱신하는 파일. 헬스 체크에 써요. 없으면 만들지 않아요.",
                "A file that Celery beat touches about once a second, for a health check. Unset: none.",
            ),
        ),
        Setting(
            {"WORKER_FILE": ""},
            Text(
                "Celery 워커가 2초마다 갱신하는 파일. Redis에 연결할 수 없는 동안에도 갱신해요. 헬스 체크에"
                " 써요. 없으면 만들지 않아요.",
                "A file that a Celery worker touches every two seconds, also while Redis is away, for a"
                " health check. Unset: none.",
            ),
        ),
        Setting(
            {"EMBEDDED_SERVICES": ""},
            Text(
                "URL이 없을 때 Python wheel에 든 PostgreSQL과 Redis를 띄울지 정해요. 없으면 `DEBUG`를"
                " 따라요.",
                "Start PostgreSQL and Redis out of Python wheels where their URLs are unset. Unset: as"
                " `DEBUG`.",
            ),
        ),
        Setting(
            {"SEED_DEMO": "1"},
            Text(
                "`make run`이 빈 상점에 데모 회원, 상품, 쿠폰, 주문을 넣을지 정해요. 0이면 넣지 않아요.",
                "`make run` adds demo users, products, coupons and orders to an empty shop; 0: it does not.",
            ),
        ),
    ),
    Text("상점의 규칙", "The shop's rules"): (
        Setting(
            {"COUPON_VALID_DAYS": "30"},
            Text("발급한 쿠폰을 쓸 수 있는 일수.", "Days that an issued coupon is usable."),
        ),
        Setting(
            {"RANKING_DAYS": "3", "RANKING_SIZE": "5", "RANKING_CACHE_SECONDS": "0"},
            Text(
                "인기 상품: 집계하는 일수, 보여 주는 개수, 응답이 지나도 되는 시간(초. 0이면 실시간).",
                "Best sellers: days that count, how many are shown, seconds that an answer may be old"
                " (0: real time).",
            ),
        ),
    ),
    Text("TLS를 처리하는 프록시 뒤", "Behind a proxy that ends TLS"): (
        Setting(
            {"FORWARDED_ALLOW_IPS": ""},
            Text(
                "`X-Forwarded-For`와 `-Proto`를 인정할 프록시의 주소와 네트워크. 예:"
                " `10.0.0.0/8,2001:db8::1`. 오른쪽부터 보아 여기에 없는 첫 주소가 클라이언트예요. `*`이면"
                " 모든 상대를 프록시로 봐요. 없으면 인정하지 않아요.",
                "Addresses and networks of the proxies whose `X-Forwarded-For` and `-Proto` count, as in"
                " `10.0.0.0/8,2001:db8::1`; the client is the first address from the right that is not among"
                " them. `*`: every peer is one. Unset: none is.",
            ),
        ),
    ),
}

ALL = [setting for section in SECTIONS.values() for setting in section]
REQUIRED = {name for setting in ALL if setting.is_required for name in setting.defaults}
OPTIONAL = {name for setting in ALL if not setting.is_required for name in setting.defaults}
