"""The drawings of where parts I and IV meet: functions from results to a figure, or its table."""
