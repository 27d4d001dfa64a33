"""A file for who is asked for help: what happened in some runs, and on what, without a secret.

contents.py  what is in it, made from settings, log, journal and doctor
bundle.py    the zip: written beside its place, searched for secrets, put there
"""
