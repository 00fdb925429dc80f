"""Evaluation: the chain's predictions beside the truth, as one table, one HTML report, CSV and JSON.

    cases.py       one record per patient, to and from CSV
    truth.py       what is known of a patient; virtual cohorts and annotated datasets give it
    compare.py     a run beside the truth -> a record
    run.py         the chain over many patients, on several processes
    statistics.py  intervals, agreement, discrimination, reliability: arrays in, figures out
    figures.py     records -> all figures
    goals.py       the figures to reach, and the paper's
    table.py       Markdown, plots.py pictures, report.py the HTML page

`python -m training.evaluate -n 30` runs it all.
"""
