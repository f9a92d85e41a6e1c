from tests.accounts.callers import static_root  # noqa: F401
