"""Fetches and reads a repository's cache with huggingface_hub; writes the snapshot's folder."""

import os
import sys

mode, endpoint, cache, name, what = sys.argv[1:]
os.environ["HF_HUB_OFFLINE"] = "0" if mode in ("fetch", "file") else "1"
os.environ["HF_ENDPOINT"] = endpoint
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HOME"] = os.path.dirname(cache)

from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download

if mode == "file":
    print(hf_hub_download(name, what, cache_dir=cache))
elif mode == "scan":
    found = scan_cache_dir(cache)
    assert not found.warnings, found.warnings
    (repository,) = found.repos
    assert repository.repo_id == name, repository
    (revision,) = repository.revisions
    assert revision.refs == {what}, revision.refs
    print(repository.size_on_disk)
else:
    print(snapshot_download(name, revision=what, cache_dir=cache))
