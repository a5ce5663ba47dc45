# An image for CPUs:
#
#     docker build -t snl_video .
#     docker run --rm -v "$PWD:/work" snl_video test --run_dir runs/demo
#
# --build-arg PIP_EXTRA_INDEX_URL=... names an index of CPU wheels of torch, which are smaller.

FROM python:3.11-slim AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
ARG PIP_EXTRA_INDEX_URL=""
COPY constraints.txt /tmp/constraints.txt
COPY --from=build /wheels /tmp/wheels
RUN pip install --no-cache-dir --constraint /tmp/constraints.txt /tmp/wheels/*.whl \
    && rm -r /tmp/wheels /tmp/constraints.txt \
    && useradd --create-home --uid 1000 user
USER 1000
WORKDIR /work
ENTRYPOINT ["snl-video"]
CMD ["--help"]
