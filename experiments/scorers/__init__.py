"""Who gives values that evaltrack does not compute: libraries in interpreters of their own, services by HTTP."""
