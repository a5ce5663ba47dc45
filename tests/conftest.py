"""What every test stands on."""

import signal

# a shell that starts the tests in the background has Ctrl-C ignored, also in what they start
signal.signal(signal.SIGINT, signal.default_int_handler)
