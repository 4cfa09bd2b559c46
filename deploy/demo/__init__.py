"""A working day at a service centre, played on a real broker, a real database and the real router."""
