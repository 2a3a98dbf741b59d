;; Imports what this host has, of other versions, and what it lacks.
(component
  (import "janitor:cleanup/cluster@0.9.0" (instance))
  (import "wasi:io/poll@0.3.0" (instance))
  (import "plain" (func))
  (core module $m
    (func (export "f")))
  (core instance $i (instantiate $m))
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
