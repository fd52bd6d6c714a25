# The clinical trial in R's mice, by norm: data, five imputations, analysis, pooling.
suppressMessages(library(mice))
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
