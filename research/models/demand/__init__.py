"""Does demand for compute move the token? One file a question, in the order of the work.

measure -> pairs -> stationarity -> innovations -> association -> lead_lag -> causality -> long_run,
impulse -> stability -> forecast -> power, multiplicity -> verdict; loop and events beside them.
No later step is skipped or added because of an earlier p-value.

Every series is weekly on a complete grid of Sundays; a missing week is NaN and stays missing.
"""
