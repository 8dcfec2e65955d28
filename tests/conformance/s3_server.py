# SPDX-License-Identifier: Apache-2.0
"""An S3 server (moto) on a free loopback port, with users and signatures checked.

Prints "PORT ACCESS_KEY SECRET_KEY" when it is ready, and ends when its standard input does. The bucket is "auger-test".
"""
import json
import os
import sys

SETUP_CALLS = 4  # what is made below without a signature; from then on every request is checked
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(SETUP_CALLS)

import logging  # noqa: E402

import threading  # noqa: E402

import boto3  # noqa: E402
import flask  # noqa: E402
from moto.iam.access_control import S3IAMRequest  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

logging.getLogger("werkzeug").setLevel(logging.ERROR)
create_request = S3IAMRequest._create_aws_request


def request_as_sent(self):
    """moto checks the signature of the address as werkzeug normalised it ("%2F" in a query became "/")."""
    self._path = flask.request.environ["RAW_URI"]
    return create_request(self)


S3IAMRequest._create_aws_request = request_as_sent


def one_at_a_time(application):
    """moto's buckets are not safe between threads: two PUTs of one key close each other's file."""
    lock = threading.Lock()

    def call(environ, start_response):
        with lock:
            return application(environ, start_response)

    return call


def main():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    server._server.app = one_at_a_time(server._server.app)
    port = server._server.socket.getsockname()[1]
    options = {
        "endpoint_url": f"http://127.0.0.1:{port}",
        "region_name": "us-east-1",
        "aws_access_key_id": "setup",
        "aws_secret_access_key": "setup",
    }
    iam = boto3.client("iam", **options)
    iam.create_user(UserName="tester")
    key = iam.create_access_key(UserName="tester")["AccessKey"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="tester", PolicyName="all", PolicyDocument=json.dumps(policy))
    boto3.client("s3", **options).create_bucket(Bucket="auger-test")
    print(port, key["AccessKeyId"], key["SecretAccessKey"], flush=True)
    sys.stdin.read()
    os._exit(0)


main()
