# Makes quickpred.json: predictors chosen by R's quickpred.
# Run in this folder: Rscript quickpred.R   (mice 3.15.0, jsonlite)
suppressMessages({library(mice); library(jsonlite)})
set.seed(7)
n <- 60
size <- rnorm(n); weight <- 0.6 * size + rnorm(n); noise <- rnorm(n)
stage <- cut(size + rnorm(n), c(-Inf, -0.5, 0.5, Inf), c("low", "mid", "high"), ordered_result = TRUE)
smoker <- factor(ifelse(weight + rnorm(n) > 0, "yes", "no"))
skewed <- exp(2 * weight + rnorm(n))
generated <- data.frame(size, weight, noise, stage, smoker, skewed)
generated$weight[size + rnorm(n) > 0.7] <- NA
generated$noise[sample(n, 20)] <- NA
generated$stage[noise > 0.8] <- NA
generated$smoker[sample(n, 9)] <- NA
generated$skewed[is.na(generated$weight) & runif(n) < 0.7] <- NA

as_list <- function(data) lapply(as.list(data), function(x) if (is.factor(x)) as.character(x) else x)
case <- function(data, ...) {
  given <- list(...)
  chosen <- do.call(quickpred, c(list(get(data)), given))
  list(data = data, arguments = given, chosen = unname(chosen))
}
cases <- list()
for (data in c("nhanes", "airquality", "generated")) {
  for (mincor in c(0, 0.1, 0.25, 0.4, 0.7)) cases <- c(cases, list(case(data, mincor = mincor)))
  for (minpuc in c(0.2, 0.5, 0.9)) cases <- c(cases, list(case(data, mincor = 0.05, minpuc = minpuc)))
  for (method in c("spearman", "kendall")) {
    cases <- c(cases, list(case(data, method = method), case(data, mincor = 0.3, method = method)))
  }
}
cases <- c(cases, list(
  case("nhanes", mincor = 0.3, include = "age"),
  case("nhanes", include = c("bmi", "hyp"), exclude = "chl"),
  case("airquality", mincor = 0.3, minpuc = 0.5, include = "Day", exclude = c("Month", "Wind"))
))
write(toJSON(list(
  source = "R 4.2.2, mice 3.15.0: quickpred; made by quickpred.R. Rows of 'chosen' are targets, in the order of the data.",
  data = list(nhanes = as_list(nhanes), airquality = as_list(airquality), generated = as_list(generated)),
  ordered = list(generated = list(stage = levels(stage))),
  cases = cases
), auto_unbox = TRUE, digits = NA, na = "null"), "quickpred.json")
