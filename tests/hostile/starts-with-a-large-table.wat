;; Wants a million elements from the beginning.
(component
  (core module $m
    (table 1000000 funcref)
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
