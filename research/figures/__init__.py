"""Results in, Plotly figures and tables out; nothing here computes or fetches."""
