"""Runs a module as a script in a process of the application: `python -m tests.in_application MODULE [WORD …]`."""

import os
import runpy
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evaltrack.settings")
    django.setup()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__")
