"""Whole figures of whole workloads, ours and the peers', measured in the same run.

``python -m benchmarks`` (or ``make bench``) prints them as a table. One folder is one workload;
where a workload compares implementations, one file in it is one contestant::

    chain/__init__.py    WORKLOAD = Comparison(...): what is measured, and what it must reach
    chain/autodiff.py    STEPS = {"forward": f, "gradient": g}: functions that run one iteration
    chain/torch.py       the same program in PyTorch

Timings on one machine drift by more than the differences looked for, so contestants run at the
same time: each in a process of its own that lives long, told in turn to run one iteration, and
compared by the median of the ratios of neighbours.
"""
