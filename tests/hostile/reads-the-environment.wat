;; Reads the environment and the arguments before anybody has asked it anything, and breaks
;; down where there are any.
(component
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))
    (export "get-arguments" (func (result (list string))))))
  (core module $room
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $room (instantiate $room))
  (core func $environment (canon lower (func $environment "get-environment")
    (memory $room "memory") (realloc (func $room "realloc"))))
  (core func $arguments (canon lower (func $environment "get-arguments")
    (memory $room "memory") (realloc (func $room "realloc"))))
  (core module $m
    (import "room" "memory" (memory 1))
    (import "wasi" "environment" (func $environment (param i32)))
    (import "wasi" "arguments" (func $arguments (param i32)))
    (func $start
      (call $environment (i32.const 0))
      (if (i32.load offset=4 (i32.const 0)) (then unreachable))
      (call $arguments (i32.const 0))
      (if (i32.load offset=4 (i32.const 0)) (then unreachable)))
    (start $start)
    (func (export "f")))
  (core instance $i (instantiate $m
    (with "room" (instance $room))
    (with "wasi" (instance
      (export "environment" (func $environment))
      (export "arguments" (func $arguments))))))
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
