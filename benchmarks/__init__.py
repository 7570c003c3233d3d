"""What a request costs: this gateway beside nginx and HAProxy, in one interleaved run on one core (`make bench`)."""
