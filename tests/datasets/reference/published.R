# Makes published.json: summaries and fits of the data sets as R has them.
# Run in this folder: Rscript published.R   (mice 3.15.0, MASS, jsonlite)
suppressMessages({library(mice); library(jsonlite)})
whiteside <- MASS::whiteside
sets <- list(nhanes = nhanes, nhanes2 = nhanes2, airquality = airquality, mammalsleep = mammalsleep,
             whiteside = whiteside)
of <- function(x) {
  seen <- x[!is.na(x)]
  found <- list(missing = sum(is.na(x)), different = length(unique(seen)))
  if (is.factor(x)) c(found, list(levels = levels(x), counts = as.vector(table(x))))
  else c(found, list(mean = mean(seen), sd = sd(seen), min = min(seen), max = max(seen),
                     sum_by_row = sum(seen * which(!is.na(x)))))
}
coefs <- function(model) list(names = names(coef(model)), estimates = unname(coef(model)),
                              std_errors = unname(sqrt(diag(vcov(model)))))
write(toJSON(list(
  source = "R 4.2.2, mice 3.15.0, MASS: made by published.R. sum_by_row: sum of value times row, counted from 1.",
  columns = lapply(sets, function(data) lapply(as.list(data), of)),
  complete_rows = lapply(sets, function(data) sum(complete.cases(data))),
  fits = list(
    whiteside = coefs(lm(Gas ~ Insul / Temp - 1, whiteside)),
    airquality = coefs(lm(Ozone ~ Solar.R + Wind + Temp, airquality)),
    nhanes = coefs(lm(chl ~ age + bmi, nhanes)),
    mammalsleep = coefs(lm(sws ~ log(bw) + odi, mammalsleep))
  )
), auto_unbox = TRUE, digits = NA), "published.json")
