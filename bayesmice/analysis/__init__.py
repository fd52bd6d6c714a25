"""Analyses of completed data sets: functions, formulas, quantities, resampling."""
