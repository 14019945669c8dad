# IoTask in a container: docker build -t iotask .
# With Celery: docker build --build-arg LOCK=requirements-celery.lock -t iotask .
ARG PYTHON=3.13

FROM python:${PYTHON}-slim-bookworm AS packages
ARG LOCK=requirements.lock
COPY requirements.lock requirements-celery.lock /
# What only `runserver` needs, and pip itself, stays out: a third of it all.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes --requirement "/${LOCK}" \
    && /venv/bin/pip uninstall --yes --quiet daphne twisted autobahn cryptography pyopenssl service-identity pip

FROM python:${PYTHON}-slim-bookworm
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin iotask \
    && install --directory --owner iotask --group iotask --mode 0750 /data /data/files /data/downloads
COPY --from=packages /venv /venv
WORKDIR /app
COPY LICENSE manage.py ./
COPY iotask_site iotask_site
COPY tasks_app tasks_app
COPY templates templates
COPY static static
RUN /venv/bin/python -m compileall -q iotask_site tasks_app
# hadolint ignore=DL3064
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8080 \
    SECRET_KEY_FILE=/data/secret-key \
    IOTASK_JOURNAL=/data/journal.sqlite3 \
    LOG_DIR=/data/logs \
    FILES_DIR=/data/files \
    DOWNLOAD_DIR=/data/downloads
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/healthz', headers={'Host': 'localhost'}); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "manage.py"]
CMD ["serve"]
