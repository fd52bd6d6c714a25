# The same workloads in R's mice: norm for numbers, logreg for two-valued columns.
suppressMessages(library(mice))
arguments <- commandArgs(trailingOnly = TRUE)

if (arguments[1] == "main") {
  set.seed(123)
  n <- 1000
  age <- rnorm(n, 50, 10)
  gender <- rbinom(n, 1, 0.4)
  bmi <- rnorm(n, 25, 4)
  severity <- rexp(n, 0.5)
  outcome <- 10 + 2 * age - 5 * gender + 3 * bmi - 4 * severity + rnorm(n, 0, 5)
  data <- data.frame(age, gender, bmi, severity, outcome)
  data$age[sample(n, 100, TRUE)] <- NA
  data$bmi[sample(n, 150, TRUE)] <- NA
  data$severity[sample(n, 200, TRUE)] <- NA
  imputed <- mice(data, m = 5, maxit = 10, method = "norm", printFlag = FALSE)
  print(summary(pool(with(imputed, lm(outcome ~ age + gender + bmi + severity)))))
} else if (arguments[1] == "write_boys") {
  write.csv(boys, arguments[2], row.names = FALSE)
} else if (arguments[1] == "boys") {
  mice(boys, m = 20, maxit = 10, printFlag = FALSE)
} else {
  data <- read.csv(arguments[2])
  m <- as.integer(arguments[3])
  binary <- vapply(data, function(x) length(unique(na.omit(x))) == 2, logical(1))
  data[binary] <- lapply(data[binary], factor)
  method <- ifelse(binary, "logreg", "norm")
  elapsed <- function(sweeps) {
    system.time(mice(data, m = m, maxit = sweeps, method = method, printFlag = FALSE))[["elapsed"]]
  }
  cat((elapsed(3) - elapsed(1)) / 2, "\n")
}
