//! Thresholds in k6's grammar: `p(99)<50`, `value>0.8`, on the metrics of an outcome.

use serde::{Deserialize, Serialize};

/// One condition on one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// `LABEL.metric` with dots inside the metric, for example `websocket.latency_ms`.
    pub metric: String,
    /// The condition as written, for example `p(99)<50`.
    pub expression: String,
}
