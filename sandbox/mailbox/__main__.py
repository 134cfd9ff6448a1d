"""`python -m sandbox.mailbox`: the mailbox alone, web page and SMTP server."""

from sandbox import config
from sandbox.mailbox.web import create_app
from sandbox.serve import serve

if __name__ == "__main__":
    serve(create_app, config.load().mailbox_port)
