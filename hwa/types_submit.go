package hwa

import (
	"encoding/json"
	"time"
)

// SubmitOptions are the submit options jobs and job streams share.
type SubmitOptions struct {
	Parameters       map[string]string `json:"parameters,omitempty"`
	InputArrivalTime time.Time         `json:"inputArrivalTime,omitzero"`
	VariableTableID  string            `json:"variableTableId,omitempty"`
	VariableTableKey string            `json:"variableTableKey,omitempty"`
	Alias            string            `json:"alias,omitempty"`
	Priority         *int              `json:"priority,omitempty"`
	Monitored        bool              `json:"monitored,omitempty"`
	EarliestDate     time.Time         `json:"earliestDate,omitzero"`
	LatestStart      time.Time         `json:"latestStart,omitzero"`
	LateStartAction  LateStartAction   `json:"lateStartAction,omitempty"`
	DeadlineTime     time.Time         `json:"deadlineTime,omitzero"`
	Dependencies     []Dependency      `json:"dependencies,omitempty"`
}

// SubmitJobOptions are the options of a job submission.
type SubmitJobOptions struct {
	SubmitOptions
	JobStreamID           string            `json:"jobStreamId,omitempty"`
	WorkstationID         string            `json:"workstationId,omitempty"`
	WorkstationKey        string            `json:"workstationKey,omitempty"`
	Critical              bool              `json:"critical,omitempty"`
	RequiresConfirmation  bool              `json:"requiresConfirmation,omitempty"`
	HasUniqueName         bool              `json:"hasUniqueName,omitempty"`
	Interactive           bool              `json:"interactive,omitempty"`
	ReturnCodeMapping     string            `json:"returnCodeMapping,omitempty"`
	RecoveryOption        RecoveryOption    `json:"recoveryOption,omitempty"`
	RecoveryMessage       string            `json:"recoveryMessage,omitempty"`
	RecoveryJobID         string            `json:"recoveryJobId,omitempty"`
	RecoveryJob           string            `json:"recoveryJob,omitempty"`
	RecoveryWorkstationID string            `json:"recoveryWorkstationId,omitempty"`
	MinDuration           Duration          `json:"minDuration,omitempty"`
	MinDurationAction     MinDurationAction `json:"minDurationAction,omitempty"`
	MaxDuration           Duration          `json:"maxDuration,omitempty"`
	MaxDurationAction     MaxDurationAction `json:"maxDurationAction,omitempty"`
	RepeatInterval        Duration          `json:"repeatInterval,omitempty"`
	SkipLateAction        SkipLateAction    `json:"skipLateAction,omitempty"`
}

// SubmitJobStreamOptions are the options of a job stream submission.
type SubmitJobStreamOptions struct {
	SubmitOptions
	CarryForward        bool `json:"carryForward,omitempty"`
	Limit               *int `json:"limit,omitempty"`
	ApplyUntilToEachJob bool `json:"applyUntilToEachJob,omitempty"`
}

// SubmitAdHocJobOptions describe a job that has no definition in the database. Task is required.
type SubmitAdHocJobOptions struct {
	SubmitJobOptions
	Task                                json.RawMessage            `json:"task"`
	WorkloadBrokerJobName               string                     `json:"workloadBrokerJobName,omitempty"`
	WorkloadBrokerOptions               string                     `json:"workloadBrokerOptions,omitempty"`
	WorkloadBrokerParameters            map[string]string          `json:"workloadBrokerParameters,omitempty"`
	WorkloadBrokerAffinityType          WorkloadBrokerAffinityType `json:"workloadBrokerAffinityType,omitempty"`
	WorkloadBrokerAffinityTDWBwithJobID string                     `json:"workloadBrokerAffinityTDWBwithJobId,omitempty"`
	WorkloadBrokerAffinityTDWBwithAlias string                     `json:"workloadBrokerAffinityTDWBwithAlias,omitempty"`
	WorkloadBrokerAffinityTWSwithJobID  string                     `json:"workloadBrokerAffinityTWSwithJobId,omitempty"`
}
