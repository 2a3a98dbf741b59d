;; Ends the program around it, as if all were well.
(component
  (import "wasi:cli/exit@0.2.0" (instance $exit
    (export "exit" (func (param "status" (result))))))
  (core func $exit (canon lower (func $exit "exit")))
  (core module $m
    (import "wasi" "exit" (func $exit (param i32)))
    (func $start (call $exit (i32.const 0)))
    (start $start)
    (func (export "f")))
  (core instance $i (instantiate $m
    (with "wasi" (instance (export "exit" (func $exit))))))
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
