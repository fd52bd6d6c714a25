# Makes likelihood_data.csv and likelihood_tests.json: tests of several parameters by mitml,
# and maxima of log-likelihoods by stats, MASS, nnet and survival.
# Usage: Rscript likelihood_tests.R   (in this folder; mice 3.15.0, mitml 0.4-4)
suppressMessages({library(mice); library(mitml); library(jsonlite); library(survival)})

M <- 5
boys <- mice::boys
boys <- boys[boys$age > 9, c("age", "bmi", "hc", "tv", "gen", "reg")]
boys <- boys[seq(1, nrow(boys), by = 3), ]
imp <- mice(boys, m = M, maxit = 5, seed = 20261, print = FALSE)
data <- lapply(1:M, function(i) {
  d <- complete(imp, i)
  d$age <- round(d$age, 3)
  d$mature <- as.integer(d$gen %in% c("G4", "G5"))
  d$stage <- as.integer(d$gen)
  d$region <- as.character(d$reg)
  d[, c("age", "bmi", "hc", "tv", "mature", "stage", "region")]
})
stacked <- do.call(rbind, lapply(1:M, function(i) cbind(imputation = i - 1, data[[i]])))
write.csv(stacked, "likelihood_data.csv", row.names = FALSE, quote = FALSE)
# What Python reads is what R fits.
stacked <- read.csv("likelihood_data.csv")
data <- lapply(1:M, function(i) stacked[stacked$imputation == i - 1, ])
lists <- as.mitml.list(data)

row <- function(test) {
  x <- test$test
  list(F = x[1], df1 = x[2], df2 = x[3], p = x[4], riv = x[5])
}
tests <- function(full, reduced, d3 = FALSE) {
  out <- list(
    D1_large = row(testModels(full, reduced, "D1")),
    D1_dfcom50 = row(testModels(full, reduced, "D1", df.com = 50)),
    D2_wald = row(testModels(full, reduced, "D2")),
    D2_likelihood = row(testModels(full, reduced, "D2", use = "likelihood")),
    D4 = row(testModels(full, reduced, "D4", data = data)),
    D4_positive = row(testModels(full, reduced, "D4", ariv = "positive", data = data)),
    D4_robust = row(testModels(full, reduced, "D4", ariv = "robust", data = data))
  )
  if (d3) {
    out$D3 <- row(testModels(full, reduced, "D3"))
    out$D3_positive <- row(testModels(full, reduced, "D3", ariv = "positive"))
  }
  out
}
# Meng and Rubin (1992) for glm: mitml has it for lm alone, and mice::D3 fits the intercept anew.
glm_D3 <- function(full, reduced, density) {
  at <- function(fits, beta) sapply(fits, function(fit) {
    mean <- fit$family$linkinv(drop(model.matrix(fit) %*% beta))
    sum(density(fit$y, mean))
  })
  mean_of <- function(fits) rowMeans(sapply(fits, coef))
  k <- length(coef(full[[1]])) - length(coef(reduced[[1]]))
  own <- mean(2 * (sapply(full, logLik) - sapply(reduced, logLik)))
  common <- mean(2 * (at(full, mean_of(full)) - at(reduced, mean_of(reduced))))
  riv <- (M + 1) / (k * (M - 1)) * (own - common)
  nu <- k * (M - 1)
  df2 <- 4 + (nu - 4) * (1 + (1 - 2 / nu) / riv)^2
  F <- common / (k * (1 + riv))
  list(F = F, df1 = k, df2 = df2, p = pf(F, k, df2, lower.tail = FALSE), riv = riv)
}
# Log-likelihoods of every data set and of the stacked ones, divided by m.
maxima <- function(fit) {
  list(own = sapply(data, function(d) as.numeric(logLik(fit(d)))),
       common = as.numeric(logLik(fit(stacked))) / M)
}

tight <- glm.control(epsilon = 1e-14, maxit = 100)
out <- list(source = paste0(
  "R ", getRversion(), ", mice ", packageVersion("mice"), ", mitml ", packageVersion("mitml"),
  ", MASS ", packageVersion("MASS"), ", nnet ", packageVersion("nnet"), ", survival ",
  packageVersion("survival"), "; made by likelihood_tests.R from likelihood_data.csv, which is ",
  "every third boy older than 9 of mice's data set boys, imputed by mice."))

lm1 <- with(lists, lm(tv ~ age + bmi + region)); lm0 <- with(lists, lm(tv ~ age))
out$lm <- tests(lm1, lm0, d3 = TRUE)
# Outcome and predictors were hardly ever missing: r is close to 0.
lm1 <- with(lists, lm(age ~ bmi + region)); lm0 <- with(lists, lm(age ~ bmi))
out$lm_nearly_complete <- tests(lm1, lm0, d3 = TRUE)
lm1 <- with(lists, lm(tv ~ age + bmi + region, weights = age))
lm0 <- with(lists, lm(tv ~ age, weights = age))
out$lm_weights <- tests(lm1, lm0)
b1 <- with(lists, glm(mature ~ age + bmi + hc, family = binomial, control = tight))
b0 <- with(lists, glm(mature ~ age, family = binomial, control = tight))
out$binomial <- c(tests(b1, b0), 
  list(D3 = glm_D3(b1, b0, function(y, mean) dbinom(y, 1, mean, log = TRUE))))
p1 <- with(lists, glm(tv ~ age + bmi + hc, family = poisson, control = tight))
p0 <- with(lists, glm(tv ~ age, family = poisson, control = tight))
out$poisson <- c(tests(p1, p0), 
  list(D3 = glm_D3(p1, p0, function(y, mean) dpois(y, mean, log = TRUE))))
p1 <- with(lists, glm(tv ~ bmi + hc + offset(log(age)), family = poisson, control = tight))
p0 <- with(lists, glm(tv ~ hc + offset(log(age)), family = poisson, control = tight))
out$poisson_offset <- tests(p1, p0)

out$maxima <- list(
  gaussian = maxima(function(d) lm(tv ~ age + bmi, d)),
  probit = maxima(function(d) glm(mature ~ age + bmi, binomial("probit"), d, control = tight)),
  gamma = maxima(function(d) {
    fit <- glm(tv ~ age + bmi, Gamma("log"), d, control = tight)
    shape <- MASS::gamma.shape(fit, eps.max = 1e-14, it.lim = 100)$alpha
    structure(sum(dgamma(d$tv, shape, shape / fitted(fit), log = TRUE)), class = "logLik")
  }),
  negative_binomial = maxima(function(d)
    MASS::glm.nb(tv ~ age + bmi, d, control = glm.control(epsilon = 1e-11, maxit = 200))),
  multinomial = maxima(function(d)
    nnet::multinom(stage > 2 ~ age + bmi, d, trace = FALSE, abstol = 1e-14, reltol = 1e-14,
                   maxit = 2000)),
  multinomial3 = maxima(function(d) {
    d$level <- cut(d$stage, c(0, 2, 4, 5))
    nnet::multinom(level ~ age + bmi, d, trace = FALSE, abstol = 1e-14, reltol = 1e-14,
                   maxit = 2000)
  }),
  ordered = maxima(function(d)
    MASS::polr(factor(stage) ~ age + bmi, d, control = list(reltol = 1e-15, maxit = 1000))),
  # Risk sets are those of one imputation: a stratum each.
  cox = maxima(function(d) {
    formula <- survival::Surv(age, mature) ~ bmi + hc
    if (max(d$imputation) > min(d$imputation)) formula <- update(formula, . ~ . + strata(imputation))
    survival::coxph(formula, d, ties = "breslow",
                    control = survival::coxph.control(eps = 1e-12, toler.chol = 1e-14))
  })
)

# The algebra of D1 on the inputs of multiparameter_cases.json, to full precision.
cases <- fromJSON("multiparameter_cases.json", simplifyVector = FALSE)$cases
out$algebra <- lapply(cases, function(case) {
  Q <- matrix(as.numeric(unlist(case$Q)), case$k, case$m)
  U <- array(as.numeric(unlist(case$U)), c(case$k, case$k, case$m))
  one <- function(df) { x <- mitml:::.D1(Q, U, df); list(F = x$F[1], df2 = x$v[1], riv = x$r) }
  list(large = one(NULL), dfcom1000 = one(1000), dfcom100 = one(100), dfcom21 = one(21),
       dfcom10 = one(10))
})

# Nonlinear constraints by mitml, which differentiates numerically.
case <- cases$k3_m5
qhat <- lapply(case$Q, function(q) setNames(as.numeric(unlist(q)), unlist(case$names)))
uhat <- lapply(case$U, function(u) matrix(as.numeric(unlist(u)), 3, 3))
constraint <- function(text) {
  x <- testConstraints(qhat = qhat, uhat = uhat, constraints = text)
  c(row(x), list(Q = as.numeric(x$Qbar), T = as.numeric(x$T)))
}
out$constraints <- list(
  ratio = constraint("b1 / b2 - 0.3"),
  two = constraint(c("exp(b1) / (1 + b2)", "sqrt(b3) - log(b2 + 2) * b1")),
  linear = constraint(c("b1 - 2 * b2", "b3 - 1"))
)
write(toJSON(out, digits = I(17), auto_unbox = TRUE, pretty = TRUE), "likelihood_tests.json")
