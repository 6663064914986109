"""`python -m ademan` is `ademan`."""

from ademan.cli import main

main()
