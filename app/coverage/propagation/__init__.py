"""Path loss of ITU-R Recommendations and the antenna pattern; pure, compiled, no session inside."""
