# The whole server in one image: docker build -t jetlrp .
# docs/deployment.md says how it is run. Without JETLRP_AUTH it refuses to start, as it can be
# reached from other machines.

FROM python:3.13-slim-bookworm AS build

# torch for the CPU: an eighth of the size of the one for CUDA
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

WORKDIR /src
RUN python -m venv /opt/jetlrp
ENV PATH=/opt/jetlrp/bin:$PATH
COPY constraints.txt pyproject.toml README.md LICENSE ./
RUN pip install --no-cache-dir --no-deps -c constraints.txt --index-url "$TORCH_INDEX" torch
COPY app ./app
COPY assets ./assets
COPY lrp_core ./lrp_core
RUN pip install --no-cache-dir -c constraints.txt . \
 && rm -rf /opt/jetlrp/lib/python3.13/site-packages/torch/include \
    /opt/jetlrp/lib/python3.13/site-packages/torch/test

FROM python:3.13-slim-bookworm

# chromium draws figures with the network plot, driven by Playwright, whose Node.js needs libatomic;
# tini hands signals on and buries what they leave
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends chromium libatomic1 tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp jetlrp \
 && install -d -o jetlrp -g jetlrp -m 700 /var/cache/jetlrp /var/lib/jetlrp
COPY --from=build /opt/jetlrp /opt/jetlrp

ENV PATH=/opt/jetlrp/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    JETLRP_HOST=0.0.0.0 \
    JETLRP_CACHE_FOLDER=/var/cache/jetlrp

USER 10001:10001
WORKDIR /var/lib/jetlrp
VOLUME ["/var/cache/jetlrp", "/var/lib/jetlrp"]
EXPOSE 8050
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8050/health', timeout=4)"]
ENTRYPOINT ["tini", "--", "jetlrp"]
CMD ["serve", "--production"]
