"""The drawings of part IV: functions from results to a figure, or to the table behind it."""
