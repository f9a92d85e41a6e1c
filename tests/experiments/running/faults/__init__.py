"""An experiment to its end while workers are killed, the database crashes and the store goes away."""
