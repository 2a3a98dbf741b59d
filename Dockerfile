# The image that replaces mesosphere/janitor. It contains the command at the same path, a shell for
# Marathon's `cmd`, the certificates of public authorities, and nothing else.
#
#     docker buildx build --platform linux/amd64,linux/arm64 \
#       --tag registry.example.com/mesosphere/janitor .
#
# Each platform builds its own binary. The build arguments select another registry or a digest for
# the two base images (--build-arg).
ARG RUST=rust:1.95-alpine
ARG BASE=busybox:1.37-musl

FROM ${RUST} AS build
RUN apk add --no-cache musl-dev && rustup target add wasm32-unknown-unknown
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package janitor

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="janitor" \
      org.opencontainers.image.description="Removes what a dead DC/OS or Apache Mesos service leaves behind" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/target/release/janitor /usr/local/bin/janitor
RUN ln -s /usr/local/bin/janitor /janitor.py
# The commands that janitor proposes are `docker run` with this name.
ARG IMAGE=mesosphere/janitor
ENV JANITOR_IMAGE=${IMAGE}
# The user is nobody.
USER 65534:65534
CMD ["/janitor.py", "--help"]
