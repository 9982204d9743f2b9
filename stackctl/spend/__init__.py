"""What was spent, by whom and on what: sums of the ledger for people, spreadsheets and chargeback."""

from stackctl.spend.span import Span
from stackctl.spend.totals import DIMENSIONS, Total, daily, sum_usd, totals_by

__all__ = ["DIMENSIONS", "Span", "Total", "daily", "sum_usd", "totals_by"]
