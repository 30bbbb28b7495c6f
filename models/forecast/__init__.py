"""What MRR and cash will come to, each always beside how well the same method would have done before.

`history` is what there is to go by, `benchmarks` and `components` are the methods, `paths` draws the months of the
latter, `scoring` says how wrong a method was, `mrr` makes the tables; `cash` stands by itself. Forecasts are estimates:
they are computed in binary fractions, by operations that every machine does alike, and published in whole minor units.
"""
