"""What IoTask is put beside, each a program or an application of its own."""

KEPT = 10_000  # records that those keep who keep any: as many finished tasks as IoTask does
