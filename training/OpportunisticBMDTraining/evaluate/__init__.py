"""Evaluation: the chain's predictions beside the truth, as one table, one HTML report, CSV and JSON.

    truth.py       what is true of a case, virtual or annotated
    sources.py     where cases come from: virtual cohorts and annotated datasets
    comparisons.py one record per patient, to and from CSV
    compare.py     a run beside the truth -> a record
    evaluate.py    the chain over many patients, on several processes
    statistics.py  intervals, agreement, discrimination, reliability: arrays in, figures out
    figures.py     records -> all figures
    goals.py       the figures to reach, and the paper's
    table.py       Markdown, plots.py pictures, report.py the HTML page

`opportunistic-bmd-lab evaluate -n 30` runs it all.
"""
