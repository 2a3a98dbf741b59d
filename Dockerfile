# The image that replaces mesosphere/janitor: the same path for the command, a
# shell for Marathon's `cmd`, and nothing else but the certificates of public CAs.

FROM rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev && rustup target add wasm32-wasip2
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package janitor-host

FROM alpine:3.22
COPY --from=build /src/target/release/janitor /usr/local/bin/janitor
RUN ln -s /usr/local/bin/janitor /janitor.py
USER nobody
CMD ["/usr/local/bin/janitor", "--help"]
