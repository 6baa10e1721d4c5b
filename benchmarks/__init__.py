"""What this client costs, as ratios to a peer measured in the same run: ``python -m benchmarks``.

Each comparison is a module; ``README.md`` beside this file says what is compared with what.
Needs a checkout: the servers and the Node.js packages are those of the tests.
"""
