"""Other software that imputes by chained equations, each as processes of its own."""
