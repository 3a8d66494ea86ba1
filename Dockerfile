# loxeval with everything that it needs to run, and nothing to build with:
#
#   docker build -t loxeval .
#   docker run --rm -v "$PWD:/work" loxeval sweep --alpha 0..2
#
# /work is where models are read and reports are written.
FROM swift:6.3-bookworm AS build
RUN apt-get update \
  && apt-get install -y --no-install-recommends \
    libopenblas-dev liblapacke-dev libcurl4-openssl-dev libmicrohttpd-dev pkg-config \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /source
# What is downloaded changes seldom: a layer of its own.
COPY Package.swift ./
RUN swift package resolve
COPY . .
RUN Scripts/build \
  && strip .build/release/loxeval \
  && Scripts/install /installed

FROM debian:bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends \
    ca-certificates libopenblas0-pthread liblapacke libcurl4 libmicrohttpd12 \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /installed /usr/local
# Not root: a run's files are someone's, by docker's --user or this one.
RUN useradd --create-home --uid 1000 loxeval && install -d -o loxeval /work
USER loxeval
WORKDIR /work
ENTRYPOINT ["loxeval"]
CMD ["--help"]
