"""The one catalogue of what the shop says when it refuses, in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """One sentence for people, in Korean (해요체) and in English."""

    ko: str
    en: str

    def in_language(self, language: str) -> str:
        """The sentence in the named language."""
        return self.en if language == "en" else self.ko


@dataclass(frozen=True)
class Entry:
    """A problem code: its HTTP status, a title, and what happened with what to do next."""

    status: int
    title: Text
    detail: Text


PROBLEMS: dict[str, Entry] = {
    "invalid": Entry(
        400,
        Text("입력값이 올바르지 않아요", "The input is not valid"),
        Text(
            "errors에 적힌 항목을 고쳐서 다시 보내 주세요.",
            "Correct the places listed in errors and send the request again.",
        ),
    ),
    "malformed": Entry(
        400,
        Text("요청을 읽을 수 없어요", "The request cannot be read"),
        Text(
            "JSON 문법, UTF-8 인코딩, 중복된 키, 중첩 깊이(20 이하)와 Host 헤더를 확인해 주세요.",
            "Check its JSON syntax, UTF-8 encoding, duplicate keys, depth (20 at most) and the Host header.",
        ),
    ),
    "not_registered": Entry(
        401,
        Text("등록된 회원이 아니에요", "Not a registered user"),
        Text(
            "X-User-Id 헤더에 등록된 회원의 번호를 담아 다시 보내 주세요.",
            "Send the id of a registered user in the X-User-Id header.",
        ),
    ),
    "untrusted_gateway": Entry(
        401,
        Text("신뢰할 수 없는 경로로 들어온 요청이에요", "The request did not come through the gateway"),
        Text(
            "X-Gateway-Secret이 없거나 달라요. 게이트웨이를 거쳐 다시 보내 주세요.",
            "X-Gateway-Secret is missing or wrong. Send the request through the gateway.",
        ),
    ),
    "not_found": Entry(
        404,
        Text("찾을 수 없어요", "Not found"),
        Text(
            "이 주소에는 아무것도 없어요. 주소와 번호를 확인해 주세요.",
            "There is nothing at this address. Check the URL and the id.",
        ),
    ),
    "product_not_found": Entry(
        404,
        Text("없는 상품이 있어요", "A product does not exist"),
        Text(
            "product_ids에 적힌 상품을 빼고 다시 주문해 주세요.",
            "Remove the products listed in product_ids and order again.",
        ),
    ),
    "coupon_not_found": Entry(
        404,
        Text("쿠폰을 찾을 수 없어요", "Coupon not found"),
        Text(
            "내 쿠폰함에 없는 쿠폰이에요. 발급 쿠폰 번호를 확인해 주세요.",
            "You hold no such coupon. Check the id of the issued coupon.",
        ),
    ),
    "method_not_allowed": Entry(
        405,
        Text("지원하지 않는 메서드예요", "Method not allowed"),
        Text(
            "Allow 헤더에 적힌 메서드로 다시 보내 주세요.",
            "Use one of the methods named in the Allow header.",
        ),
    ),
    "not_acceptable": Entry(
        406,
        Text("요청한 형식으로는 답할 수 없어요", "Not acceptable"),
        Text(
            "JSON으로만 답해요. Accept를 application/json으로 바꿔 주세요.",
            "Answers are JSON only. Set Accept to application/json.",
        ),
    ),
    "too_large": Entry(
        413,
        Text("본문이 너무 커요", "The body is too large"),
        Text(
            "본문은 64 KiB까지 보낼 수 있어요. 줄여서 다시 보내 주세요.",
            "A body may be 64 KiB at most. Send a smaller one.",
        ),
    ),
    "unsupported_media_type": Entry(
        415,
        Text("지원하지 않는 콘텐츠 형식이에요", "Unsupported media type"),
        Text(
            "본문을 압축하지 않은 UTF-8 JSON으로, Content-Type은 application/json으로 보내 주세요.",
            "Send UTF-8 JSON with Content-Type application/json and without a Content-Encoding.",
        ),
    ),
    "out_of_stock": Entry(
        409,
        Text("재고가 부족해요", "Out of stock"),
        Text(
            "shortages에 적힌 상품의 수량을 남은 수량 이하로 줄여 다시 주문해 주세요.",
            "Lower the quantities listed in shortages to what is available and order again.",
        ),
    ),
    "insufficient_points": Entry(
        409,
        Text("포인트가 부족해요", "Not enough points"),
        Text(
            "포인트를 충전한 뒤 다시 주문해 주세요.",
            "Charge points and order again.",
        ),
    ),
    "coupon_already_used": Entry(
        409,
        Text("이미 사용한 쿠폰이에요", "The coupon was already used"),
        Text(
            "다른 쿠폰을 고르거나 쿠폰 없이 주문해 주세요.",
            "Choose another coupon or order without one.",
        ),
    ),
    "coupon_expired": Entry(
        409,
        Text("유효 기간이 지난 쿠폰이에요", "The coupon has expired"),
        Text(
            "다른 쿠폰을 고르거나 쿠폰 없이 주문해 주세요.",
            "Choose another coupon or order without one.",
        ),
    ),
    "coupon_sold_out": Entry(
        409,
        Text("쿠폰이 모두 소진됐어요", "The coupons are gone"),
        Text(
            "준비한 수량이 모두 발급됐어요. 다른 쿠폰을 확인해 주세요.",
            "All of them have been issued. Have a look at the other coupons.",
        ),
    ),
    "coupon_already_issued": Entry(
        409,
        Text("이미 받은 쿠폰이에요", "You already have this coupon"),
        Text(
            "쿠폰은 한 사람에게 한 장만 드려요. 내 쿠폰함을 확인해 주세요.",
            "One coupon of a kind per person. It is among your issued coupons.",
        ),
    ),
    "coupon_not_open": Entry(
        409,
        Text("지금은 받을 수 없는 쿠폰이에요", "The coupon is not open"),
        Text(
            "opens_at과 closes_at 사이에 다시 시도해 주세요.",
            "Try again between opens_at and closes_at.",
        ),
    ),
    "price_changed": Entry(
        409,
        Text("결제 금액이 달라졌어요", "The total has changed"),
        Text(
            "바뀐 금액(total)을 확인하고 다시 주문해 주세요.",
            "Check the new total and order again.",
        ),
    ),
    "balance_overflow": Entry(
        409,
        Text("더 담을 수 없는 금액이에요", "The balance cannot hold that much"),
        Text(
            "충전하면 저장할 수 있는 가장 큰 잔액을 넘어요. 더 적은 금액을 충전해 주세요.",
            "The charge would pass the largest balance that can be stored. Charge less.",
        ),
    ),
    "idempotency_key_reused": Entry(
        422,
        Text("이미 다른 요청에 쓴 키예요", "The key was used for another request"),
        Text(
            "같은 Idempotency-Key를 다른 본문으로 보냈어요. 새 키로 다시 보내 주세요.",
            "This Idempotency-Key came with another body before. Use a new key.",
        ),
    ),
    "throttled": Entry(
        429,
        Text("요청이 너무 잦아요", "Too many requests"),
        Text(
            "Retry-After에 적힌 시간(초)이 지난 뒤 다시 보내 주세요.",
            "Wait for the seconds in Retry-After and send the request again.",
        ),
    ),
    "internal": Entry(
        500,
        Text("저희 쪽에 문제가 생겼어요", "Something went wrong on our side"),
        Text(
            "잠시 뒤 다시 시도해 주세요. 계속되면 request_id를 알려 주세요.",
            "Try again shortly. If it persists, tell us the request_id.",
        ),
    ),
    "busy": Entry(
        503,
        Text("지금 요청이 몰리고 있어요", "Busy right now"),
        Text(
            "아무것도 바뀌지 않았어요. 잠시 뒤 그대로 다시 보내 주세요.",
            "Nothing was changed. Send the same request again shortly.",
        ),
    ),
    "unavailable": Entry(
        503,
        Text("지금은 처리할 수 없어요", "Unavailable right now"),
        Text(
            "데이터베이스에 닿지 않아요. 처리됐는지 알 수 없으니 같은 Idempotency-Key로 다시 보내 주세요.",
            "The database is out of reach, the outcome unknown. Send it again with the same Idempotency-Key.",
        ),
    ),
}

FIELD_ERRORS: dict[str, Text] = {
    "required": Text("꼭 있어야 하는 항목이에요.", "This field is required."),
    "null": Text("null일 수 없어요.", "This may not be null."),
    "unknown": Text("알 수 없는 항목이에요. 이름을 확인해 주세요.", "Unknown field. Check its name."),
    "not_an_object": Text("JSON 객체여야 해요.", "This must be a JSON object."),
    "not_a_list": Text("JSON 배열이어야 해요.", "This must be a JSON array."),
    "not_an_integer": Text(
        "따옴표, 소수점, 지수가 없는 JSON 정수여야 해요.",
        "This must be a JSON integer, without quotes, fraction or exponent.",
    ),
    "min_value": Text("{limit} 이상이어야 해요.", "This must be at least {limit}."),
    "max_value": Text("{limit} 이하여야 해요.", "This must be at most {limit}."),
    "min_length": Text("{limit}개 이상이어야 해요.", "There must be at least {limit}."),
    "max_length": Text("{limit}개까지 담을 수 있어요.", "There may be at most {limit}."),
    "duplicate": Text(
        "같은 상품이 두 번 들어 있어요. 한 줄로 합쳐 주세요.", "This product is repeated. Merge its lines."
    ),
    "page_size": Text("1부터 100까지의 정수여야 해요.", "This must be an integer from 1 to 100."),
    "cursor": Text(
        "next나 previous로 받은 값을 그대로 써 주세요.", "Use the value from next or previous as it is."
    ),
    "status": Text("usable, used, expired 중 하나여야 해요.", "This must be one of usable, used, expired."),
    "idempotency_key": Text(
        "공백 없는 ASCII 문자 1자에서 255자까지여야 해요.",
        "This must be 1 to 255 visible ASCII characters.",
    ),
}
