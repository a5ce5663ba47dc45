# An image for CPUs:
#
#     docker build -t snl_video .
#     docker run --rm -v "$PWD:/work" snl_video test --run_dir runs/demo
#
# It holds the exact versions of requirements.lock, each checked by its hash. With --build-arg
# PIP_EXTRA_INDEX_URL=... it takes the smaller CPU wheels of torch from that index, which the lock
# does not know: then the ranges of constraints.txt decide.

FROM python:3.11-slim AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
ARG PIP_EXTRA_INDEX_URL=""
COPY constraints.txt requirements.lock /tmp/
COPY --from=build /wheels /tmp/wheels
RUN if [ -z "$PIP_EXTRA_INDEX_URL" ]; then \
    pip install --no-cache-dir --require-hashes --requirement /tmp/requirements.lock; fi \
    && pip install --no-cache-dir --constraint /tmp/constraints.txt /tmp/wheels/*.whl \
    && rm -r /tmp/wheels /tmp/constraints.txt /tmp/requirements.lock \
    && useradd --create-home --uid 1000 user
USER 1000
WORKDIR /work
ENTRYPOINT ["snl-video"]
CMD ["--help"]
