# Makes nhanes2_completed.csv and analyses.json: analyses of five completed data sets, pooled by R.
# Run in this folder: Rscript analyses.R   (packages mice, survival, pROC, jsonlite)
suppressMessages({library(mice); library(survival); library(pROC); library(jsonlite)})
m <- 5
imp <- mice(nhanes2, m = m, seed = 20, printFlag = FALSE)
completed <- complete(imp, "long")
write.csv(completed[, c(".imp", ".id", "age", "bmi", "hyp", "chl")], "nhanes2_completed.csv",
          row.names = FALSE, quote = FALSE)
# Again from the file, so that both sides read the same numbers.
completed <- read.csv("nhanes2_completed.csv")
sets <- split(completed, completed$.imp)

table_of <- function(fits, dfcom = NULL) {
  s <- summary(pool(as.mira(fits), dfcom = dfcom), type = "all", conf.int = TRUE)
  list(term = as.character(s$term), estimate = s$estimate, std_error = s$std.error,
       statistic = s$statistic, df = s$df, p_value = s$p.value, ci_low = s$`2.5 %`,
       ci_high = s$`97.5 %`, riv = s$riv, lambda = s$lambda, fmi = s$fmi)
}
lms <- lapply(sets, function(d) lm(chl ~ age + bmi, d))
glms <- lapply(sets, function(d) glm(I(hyp == "yes") ~ bmi, binomial, d, epsilon = 1e-14))
poissons <- lapply(sets, function(d) glm(round(chl / 20) ~ bmi, poisson, d, epsilon = 1e-14))
coxs <- lapply(sets, function(d) coxph(Surv(chl, hyp == "yes") ~ bmi, d, ties = "efron",
                                       control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 100)))
cox_q <- sapply(coxs, coef); cox_u <- sapply(coxs, function(f) vcov(f)[1, 1])

new <- data.frame(age = c("20-39", "60-99"), bmi = c(25, 30))
pool_rows <- function(fit_list, dfcom) {
  p <- lapply(fit_list, predict, newdata = new, se.fit = TRUE)
  rows <- lapply(1:2, function(i) {
    s <- pool.scalar(sapply(p, function(x) x$fit[i]), sapply(p, function(x) x$se.fit[i]^2),
                     n = dfcom, k = 0)
    margin <- qt(0.975, s$df) * sqrt(s$t)
    c(estimate = unname(s$qbar), std_error = sqrt(s$t), df = s$df, low = s$qbar - margin,
      high = s$qbar + margin, fmi = s$fmi)
  })
  as.data.frame(do.call(rbind, rows))
}

# The jackknife over imputations of every pooled number of chl ~ age + bmi.
whole <- c("estimate", "std_error", "statistic", "df", "p_value", "riv", "lambda", "fmi")
without <- lapply(1:m, function(j) as.matrix(as.data.frame(table_of(lms[-j])[whole])))
average <- Reduce(`+`, without) / m
jackknife <- sqrt((m - 1) / m * Reduce(`+`, lapply(without, function(x) (x - average)^2)))

r2 <- function(adjusted) as.list(setNames(pool.r.squared(as.mira(lms), adjusted = adjusted)[1, ],
                                          c("estimate", "ci_low", "ci_high", "fmi")))
one <- sets[[1]]
cc <- concordance(Surv(chl, hyp == "yes") ~ bmi, one, reverse = TRUE)
ro <- roc(one$hyp == "yes", one$bmi, direction = "<", quiet = TRUE)
write_json(list(
  source = paste("R", getRversion(), "mice", packageVersion("mice"), "survival",
                 packageVersion("survival"), "pROC", packageVersion("pROC"), "by analyses.R"),
  lm = table_of(lms), logit = table_of(glms), poisson = table_of(poissons),
  cox = unclass(pool.scalar(cox_q, cox_u)),
  lm_predictions = pool_rows(lms, 21), logit_predictions = pool_rows(glms, 23),
  lm_jackknife = as.data.frame(jackknife),
  r_squared = r2(FALSE), adjusted_r_squared = r2(TRUE),
  concordance = list(estimate = unname(cc$concordance), variance = unname(cc$var)),
  auc = list(estimate = as.numeric(auc(ro)), variance = var(ro)),
  correlation = as.list(cor.test(one$bmi, one$chl)$conf.int)
), "analyses.json", digits = NA, auto_unbox = TRUE, pretty = FALSE)
