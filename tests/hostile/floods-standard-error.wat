;; Writes to standard error what a terminal would obey, for as long as it is taken.
(component
  (import "wasi:io/error@0.2.0" (instance $errors
    (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $stream (sub resource)))
    (alias outer 1 $error (type $outer))
    (export "error" (type $error (eq $outer)))
    (type $cases (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $cases)))
    (export "[method]output-stream.blocking-write-and-flush" (func
      (param "self" (borrow $stream))
      (param "contents" (list u8))
      (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stderr@0.2.0" (instance $stderr
    (alias outer 1 $stream (type $outer))
    (export "output-stream" (type $stream (eq $outer)))
    (export "get-stderr" (func (result (own $stream))))))
  (core module $room
    (memory (export "memory") 1)
    (data (i32.const 16) "\1b[2J again\n"))
  (core instance $room (instantiate $room))
  (core func $stderr (canon lower (func $stderr "get-stderr")))
  (core func $write (canon lower
    (func $streams "[method]output-stream.blocking-write-and-flush") (memory $room "memory")))
  (core module $m
    (import "room" "memory" (memory 1))
    (import "wasi" "stderr" (func $stderr (result i32)))
    (import "wasi" "write" (func $write (param i32 i32 i32 i32)))
    (func $start
      (local $stream i32)
      (local.set $stream (call $stderr))
      (loop $again
        (call $write (local.get $stream) (i32.const 16) (i32.const 11) (i32.const 0))
        (br_if $again (i32.eqz (i32.load8_u (i32.const 0)))))
      unreachable)
    (start $start)
    (func (export "f")))
  (core instance $i (instantiate $m
    (with "room" (instance $room))
    (with "wasi" (instance
      (export "stderr" (func $stderr))
      (export "write" (func $write))))))
  (func $f (canon lift (core func $i "f")))
  (instance $cleanup
    (export "clean" (func $f))
    (export "plan" (func $f))
    (export "apply" (func $f))
    (export "discover" (func $f))
    (export "plan-all" (func $f))
    (export "apply-all" (func $f))
    (export "clean-all" (func $f)))
  (export "janitor:cleanup/cleanup@0.1.0" (instance $cleanup)))
