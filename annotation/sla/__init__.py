"""When something is due, when it will be done, and what happens once it is late."""
