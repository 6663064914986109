"""Datasets and bundles in a bucket of S3, or of a server that speaks as it does. The home of boto3.

place.py       s3://BUCKET/KEY                bucket.py    an object, and what is asked of it
parcel.py      one file, its kind, its proof  refusals.py  botocore's errors in words
push.py        sending, in parts              pull.py      fetching, proven before it is put in place
unfinished.py  notes on what was cut short    partial.py   what is there of an object that is being fetched
cache.py       a bundle kept for a server     locks.py     one process at a time
"""

from ademan.storage.cache import fetch_bundle, remote_version
from ademan.storage.place import Place, is_remote
from ademan.storage.pull import Pulled, pull
from ademan.storage.push import Pushed, push

__all__ = ["Place", "Pulled", "Pushed", "fetch_bundle", "is_remote", "pull", "push", "remote_version"]
