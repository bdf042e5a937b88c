"""Where journeys, people, runs and messages are kept: siblings behind the one interface of `contract.py`."""
