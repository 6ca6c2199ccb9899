"""`manage.py webhooks …`: what operators and merchants do from a terminal.

One module a subcommand, each with a `SUBCOMMAND`; `parser.py` puts them together, `output.py` is the only one that
writes. Standard output is data, standard error is talk.
"""
