# The newest Python that every pin has a wheel for (make wheels); docs/adr/0003 says what an order costs there.
FROM python:3.14-slim AS packages
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /build
COPY locks/image.txt .
COPY locks/traces.txt .
# With --build-arg TRACES=1 also what OTEL_EXPORTER_OTLP_ENDPOINT needs.
ARG TRACES=
RUN pip install --no-cache-dir --require-hashes -r image.txt ${TRACES:+-r traces.txt}

FROM python:3.14-slim
# MALLOC_ARENA_MAX: by glibc's default each thread would keep what its largest request needed (benchmarks/README.md).
ENV PATH=/opt/venv/bin:$PATH \
    MALLOC_ARENA_MAX=2 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    EMBEDDED_SERVICES=0 \
    HOST=0.0.0.0 \
    PORT=8000
RUN groupadd --system --gid 10001 shop && useradd --system --uid 10001 --gid shop --no-create-home shop
COPY --from=packages /opt/venv /opt/venv
WORKDIR /shop
COPY . .
# The settings require these even without a connection; they apply to this RUN alone.
RUN SECRET_KEY=only-for-collecting-the-static-files ALLOWED_HOSTS=localhost CSRF_TRUSTED_ORIGINS=https://localhost DATABASE_URL=postgresql:///build REDIS_URL=redis://build \
    python manage.py collectstatic --noinput
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", \
    "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/livez'); exit(c.getresponse().status != 200)"]
CMD ["gunicorn", "-c", "config/gunicorn.py", "config.wsgi:application"]
