"""pytest's way in: `conformance.plugin` collects this file as one test a rule and dialect.

Without the plugin (`-p conformance.plugin`) there is nothing to collect here.
"""
