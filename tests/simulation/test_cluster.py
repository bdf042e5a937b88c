"""Simulations on a cluster: the executor of dask.distributed changes nothing.

It needs the dependency group `cluster`: `pip install --group cluster`.
"""

import pytest

from tests.simulation.welcome import run, written

distributed = pytest.importorskip("distributed", reason="needs the dependency group `cluster`: dask.distributed")


def test_a_cluster_changes_nothing():
    """Two worker processes of a real local cluster give the same bytes, by people and by replications."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor()
        assert written(run(executor=executor)) == written(run())
        assert written(run(replications=3, executor=executor)) == written(run(replications=3))
