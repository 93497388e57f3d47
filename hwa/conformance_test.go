package hwa

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resync/hwa/oql"
)

const (
	anID    = "9daec769-39e0-3283-9006-2933c84d3c78"
	anotrID = "11111111-39e0-3283-9006-2933c84d3c78"
)

var why = Justification{Category: "incident", Description: "month-end\nlate", TicketNum: "INC-1"}

// call is one method of the client and how the test calls it.
type call struct {
	method string
	run    func(context.Context, *Client) error
}

// drop makes a call of a method with two results.
func drop[T any](method string, f func(context.Context, *Client) (T, error)) call {
	return call{method, func(ctx context.Context, c *Client) error { _, err := f(ctx, c); return err }}
}

func drain[T any](method string, f func(context.Context, *Client) iter.Seq2[*T, error]) call {
	return drop(method, func(ctx context.Context, c *Client) ([]*T, error) { return Collect(f(ctx, c)) })
}

type rr = ResourceResponse
type far = *FilterActionResponse

// byID and byFilter cover the many actions of the same shape.
func byIDCall(method string, f func(*Client, context.Context, string, Justification) (rr, error)) call {
	return drop(method, func(ctx context.Context, c *Client) (rr, error) { return f(c, ctx, anID, why) })
}

// bare is byIDCall without a justification: the plain by-id form of actions that take none.
func bare(method string, f func(*Client, context.Context, string, Justification) (rr, error)) call {
	return drop(method, func(ctx context.Context, c *Client) (rr, error) { return f(c, ctx, anID, Justification{}) })
}

func filterCall(method string, f func(*Client, context.Context, Filter, int, Justification) (far, error)) call {
	return drop(method, func(ctx context.Context, c *Client) (far, error) { return f(c, ctx, WithID(anID), 3, why) })
}

var oneDep = []Dependency{{DependencyType: DependencyTypeInternal, ID: anotrID, JobID: anotrID}}

// calls pairs every implemented operation with a call that must result in it.
func calls() map[string]call {
	m := map[string]call{}
	for k, v := range readCalls() {
		m[k] = v
	}
	for k, v := range jobCalls() {
		m[k] = v
	}
	for k, v := range streamCalls() {
		m[k] = v
	}
	for k, v := range objectCalls() {
		m[k] = v
	}
	for k, v := range modelCalls() {
		m[k] = v
	}
	return m
}

func readCalls() map[string]call {
	some := ListOptions{Filter: Where(oql.Eq("name", "PAY_NET")), PlanID: "current"}
	return map[string]call{
		"getEngineConfiguration":      drop("EngineConfiguration", func(x context.Context, c *Client) (map[string]ConfigValue, error) { return c.EngineConfiguration(x) }),
		"putEngineConfiguration":      drop("SetEngineSetting", func(x context.Context, c *Client) (*ConfigValue, error) { return c.SetEngineSetting(x, "k", "v") }),
		"getEngineConfigurationByKey": drop("EngineSetting", func(x context.Context, c *Client) (*ConfigValue, error) { return c.EngineSetting(x, "k") }),
		"getEngineGroups":             drop("EngineGroups", func(x context.Context, c *Client) ([]string, error) { return c.EngineGroups(x) }),
		"getEngineUsers":              drop("EngineUsers", func(x context.Context, c *Client) ([]string, error) { return c.EngineUsers(x) }),
		"getEngineInfo":               drop("EngineInfo", func(x context.Context, c *Client) (*EngineInfo, error) { return c.EngineInfo(x) }),
		"getEngineReadPermission":     drop("ReadPermission", func(x context.Context, c *Client) (map[string]string, error) { return c.ReadPermission(x) }),
		"getObjectsInfo": drop("ObjectsInfo", func(x context.Context, c *Client) (map[string]ObjectInfo, error) {
			return c.ObjectsInfo(x, ObjectTypeJobInPlan)
		}),
		"getPlanConsumedJobsRuns": drop("ConsumedJobs", func(x context.Context, c *Client) ([]ConsumedJobs, error) { return c.ConsumedJobs(x, StatsPeriodDay) }),
		"getPlanFolderObjectsCount": drop("FolderCounts", func(x context.Context, c *Client) ([]ObjectFolderCount, error) {
			return c.FolderCounts(x, ObjectTypeJobInPlan, oql.Where(oql.Eq("parent", "/")))
		}),
		"listPlanJob":       drain("Jobs", func(x context.Context, c *Client) iter.Seq2[*JobInPlan, error] { return c.Jobs(x, some) }),
		"listPlanJobStream": drain("JobStreams", func(x context.Context, c *Client) iter.Seq2[*JobStreamInPlan, error] { return c.JobStreams(x, some) }),
		"listPlanWorkstation": drain("Workstations", func(x context.Context, c *Client) iter.Seq2[*WorkstationInPlan, error] {
			return c.Workstations(x, some)
		}),
		"listPlanResource": drain("Resources", func(x context.Context, c *Client) iter.Seq2[*ResourceInPlan, error] { return c.Resources(x, some) }),
		"getPlanJobById":   drop("Job", func(x context.Context, c *Client) (*JobInPlan, error) { return c.Job(x, anID) }),
		"getPlanJobStreamById": drop("JobStream", func(x context.Context, c *Client) (*JobStreamInPlan, error) {
			return c.JobStream(x, anID)
		}),
		"getPlanWorkstationById": drop("Workstation", func(x context.Context, c *Client) (*WorkstationInPlan, error) { return c.Workstation(x, anID) }),
		"getPlanResourceById":    drop("Resource", func(x context.Context, c *Client) (*ResourceInPlan, error) { return c.Resource(x, anID) }),
		"getPlanJobCount": drop("JobCount", func(x context.Context, c *Client) (*GroupedCountResponse, error) {
			return c.JobCount(x, CountOptions{GroupBy: []string{"status", "folder"}})
		}),
		"getPlanJobStreamCount": drop("JobStreamCount", func(x context.Context, c *Client) (*GroupedCountResponse, error) {
			return c.JobStreamCount(x, CountOptions{})
		}),
		"getPlanJobIssues": drop("JobIssues", func(x context.Context, c *Client) ([]Issue, error) {
			return c.JobIssues(x, ListOptions{Filter: WithID(anID)})
		}),
		"getPlanJobJoblog": drop("JobLogOf", func(x context.Context, c *Client) (*LogText, error) {
			return c.JobLogOf(x, WithID(anID), LogWindow{})
		}),
		"getPlanJobJoblogByRunId":          drop("JobLog", func(x context.Context, c *Client) (*LogText, error) { return c.JobLog(x, anID, LogWindow{}) }),
		"getPlanJobPredecessorsById":       drop("JobPredecessors", func(x context.Context, c *Client) ([]FlowNode, error) { return c.JobPredecessors(x, anID, 2) }),
		"getPlanJobSuccessorsById":         drop("JobSuccessors", func(x context.Context, c *Client) ([]FlowNode, error) { return c.JobSuccessors(x, anID, 0) }),
		"getPlanJobStreamPredecessorsById": drop("JobStreamPredecessors", func(x context.Context, c *Client) ([]FlowNode, error) { return c.JobStreamPredecessors(x, anID, 1) }),
		"getPlanJobStreamSuccessorsById":   drop("JobStreamSuccessors", func(x context.Context, c *Client) ([]FlowNode, error) { return c.JobStreamSuccessors(x, anID, 1) }),
		"getPlanJobModelDescriptionById": drop("JobDefinitionText", func(x context.Context, c *Client) (map[string]json.RawMessage, error) {
			return c.JobDefinitionText(x, anID)
		}),
		"getPlanJobStreamModelDescriptionById": drop("JobStreamDefinitionText", func(x context.Context, c *Client) (map[string]json.RawMessage, error) {
			return c.JobStreamDefinitionText(x, anID)
		}),
	}
}

func jobCalls() map[string]call {
	type (
		cl = *Client
		cx = context.Context
		ju = Justification
	)
	return map[string]call{
		"holdPlanJobById":            byIDCall("HoldJob", cl.HoldJob),
		"holdPlanJobByFilter":        filterCall("HoldJobs", cl.HoldJobs),
		"releasePlanJobById":         byIDCall("ReleaseJob", cl.ReleaseJob),
		"releasePlanJobByFilter":     filterCall("ReleaseJobs", cl.ReleaseJobs),
		"cancelPlanJobById":          byIDCall("CancelJob", cl.CancelJob),
		"cancelPlanJobByFilter":      filterCall("CancelJobs", cl.CancelJobs),
		"cancelPendingPlanJobById":   byIDCall("CancelPendingJob", cl.CancelPendingJob),
		"killPlanJobById":            byIDCall("KillJob", cl.KillJob),
		"killPlanJobByFilter":        filterCall("KillJobs", cl.KillJobs),
		"confirmSuccPlanJobById":     byIDCall("ConfirmJobSucc", func(c cl, x cx, id string, j ju) (rr, error) { return c.ConfirmJobSucc(x, id, j, "OK") }),
		"confirmSuccPlanJobByFilter": filterCall("ConfirmJobsSucc", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.ConfirmJobsSucc(x, f, n, j) }),
		"confirmAbendPlanJobById":    byIDCall("ConfirmJobAbend", func(c cl, x cx, id string, j ju) (rr, error) { return c.ConfirmJobAbend(x, id, j) }),
		"confirmAbendPlanJobByFilter": filterCall("ConfirmJobsAbend", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.ConfirmJobsAbend(x, f, n, j)
		}),
		"cancelPendingPlanJobByFilter":          filterCall("CancelPendingJobs", cl.CancelPendingJobs),
		"releaseAllDependenciesPlanJobById":     byIDCall("ReleaseAllJobDependencies", cl.ReleaseAllJobDependencies),
		"releaseAllDependenciesPlanJobByFilter": filterCall("ReleaseAllJobsDependencies", cl.ReleaseAllJobsDependencies),
		"addDependenciesPlanJobById":            byIDCall("AddJobDependencies", func(c cl, x cx, id string, j ju) (rr, error) { return c.AddJobDependencies(x, id, oneDep, j) }),
		"addDependenciesPlanJobByFilter": filterCall("AddJobsDependencies", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.AddJobsDependencies(x, f, n, oneDep, j)
		}),
		"removeDependenciesPlanJobById": byIDCall("RemoveJobDependencies", func(c cl, x cx, id string, j ju) (rr, error) { return c.RemoveJobDependencies(x, id, oneDep, j) }),
		"removeDependenciesPlanJobByFilter": filterCall("RemoveJobsDependencies", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.RemoveJobsDependencies(x, f, n, oneDep, j)
		}),
		"releaseDependenciesPlanJobById": byIDCall("ReleaseJobDependencies", func(c cl, x cx, id string, j ju) (rr, error) { return c.ReleaseJobDependencies(x, id, oneDep, j) }),
		"releaseDependenciesPlanJobByFilter": filterCall("ReleaseJobsDependencies", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.ReleaseJobsDependencies(x, f, n, oneDep, j)
		}),
		"rerunPlanJobByRunId": byIDCall("RerunJob", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.RerunJob(x, id, RerunDetails{StepName: "A"}, j)
		}),
		"rerunPlanJobByFilter": filterCall("RerunJobs", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.RerunJobs(x, f, n, RerunDetails{}, j) }),
		"updatePriorityPlanJobById": bare("UpdateJobPriority", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.UpdateJobPriority(x, id, 50, j)
		}),
		"patchPlanJobById": byIDCall("PatchJob", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.PatchJob(x, id, json.RawMessage(`{"priority":5}`), j)
		}),
		"patchPlanJobByFilter": filterCall("PatchJobs", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.PatchJobs(x, f, n, json.RawMessage(`{"priority":5}`), j)
		}),
		"patchPlanJobModelById": drop("PatchJobDefinition", func(x cx, c cl) (map[string]json.RawMessage, error) {
			return c.PatchJobDefinition(x, anID, json.RawMessage(`{"name":"x"}`))
		}),
		"runCommandPlanJobByRunId": {"RunJobCommand", func(x cx, c cl) error { return c.RunJobCommand(x, anID, JobCommand{Command: "a"}, why) }},
		"runCommandJsonPlanJobByRunId": drop("RunJobCommandJSON", func(x cx, c cl) (json.RawMessage, error) {
			return c.RunJobCommandJSON(x, anID, JobCommand{Command: "a"}, why)
		}),
		"submitPlanJobByModelId": byIDCall("SubmitJob", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.SubmitJob(x, id, SubmitJobOptions{SubmitOptions: SubmitOptions{Alias: "A", Priority: new(0)}}, j)
		}),
		"submitPlanJobByFilter": filterCall("SubmitJobs", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.SubmitJobs(x, f, n, SubmitJobOptions{}, j)
		}),
		"submitPlanJobAdHocJob": drop("SubmitAdHocJob", func(x cx, c cl) (rr, error) {
			return c.SubmitAdHocJob(x, SubmitAdHocJobOptions{Task: json.RawMessage(`{"UNIX":{}}`)}, why)
		}),
	}
}

func streamCalls() map[string]call {
	type (
		cl = *Client
		cx = context.Context
		ju = Justification
	)
	patch := json.RawMessage(`{"limit":3}`)
	return map[string]call{
		"holdPlanJobStreamById":                       byIDCall("HoldJobStream", cl.HoldJobStream),
		"holdPlanJobStreamByFilter":                   filterCall("HoldJobStreams", cl.HoldJobStreams),
		"releasePlanJobStreamById":                    byIDCall("ReleaseJobStream", cl.ReleaseJobStream),
		"releasePlanJobStreamByFilter":                filterCall("ReleaseJobStreams", cl.ReleaseJobStreams),
		"cancelPlanJobStreamById":                     byIDCall("CancelJobStream", cl.CancelJobStream),
		"cancelPlanJobStreamByFilter":                 filterCall("CancelJobStreams", cl.CancelJobStreams),
		"cancelPendingPlanJobStreamById":              byIDCall("CancelPendingJobStream", cl.CancelPendingJobStream),
		"cancelPendingPlanJobStreamByFilter":          filterCall("CancelPendingJobStreams", cl.CancelPendingJobStreams),
		"releaseAllDependenciesPlanJobStreamById":     byIDCall("ReleaseAllJobStreamDependencies", cl.ReleaseAllJobStreamDependencies),
		"releaseAllDependenciesPlanJobStreamByFilter": filterCall("ReleaseAllJobStreamsDependencies", cl.ReleaseAllJobStreamsDependencies),
		"addDependenciesPlanJobStreamById": byIDCall("AddJobStreamDependencies", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.AddJobStreamDependencies(x, id, oneDep, j)
		}),
		"addDependenciesPlanJobStreamByFilter": filterCall("AddJobStreamsDependencies", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.AddJobStreamsDependencies(x, f, n, oneDep, j)
		}),
		"removeDependenciesPlanJobStreamById": byIDCall("RemoveJobStreamDependencies", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.RemoveJobStreamDependencies(x, id, oneDep, j)
		}),
		"removeDependenciesPlanJobStreamByFilter": filterCall("RemoveJobStreamsDependencies", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.RemoveJobStreamsDependencies(x, f, n, oneDep, j)
		}),
		"releaseDependenciesPlanJobStreamById": byIDCall("ReleaseJobStreamDependencies", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.ReleaseJobStreamDependencies(x, id, oneDep, j)
		}),
		"releaseDependenciesPlanJobStreamByFilter": filterCall("ReleaseJobStreamsDependencies", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.ReleaseJobStreamsDependencies(x, f, n, oneDep, j)
		}),
		"patchPlanJobStreamById":           byIDCall("PatchJobStream", func(c cl, x cx, id string, j ju) (rr, error) { return c.PatchJobStream(x, id, patch, j) }),
		"patchPlanJobStreamNoValidateById": byIDCall("PatchJobStreamNoValidate", func(c cl, x cx, id string, j ju) (rr, error) { return c.PatchJobStreamNoValidate(x, id, patch, j) }),
		"patchPlanJobStreamByFilter":       filterCall("PatchJobStreams", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.PatchJobStreams(x, f, n, patch, j) }),
		"rerunPlanJobStreamSuccessorsById": drop("RerunJobStreamSuccessors", func(x cx, c cl) (far, error) { return c.RerunJobStreamSuccessors(x, anID, 1) }),
		"submitPlanJobStreamByModelId": drop("SubmitJobStream", func(x cx, c cl) ([]rr, error) {
			return c.SubmitJobStream(x, anID, SubmitJobStreamOptions{Limit: new(-1)}, why)
		}),
		"submitPlanJobStreamByFilter": filterCall("SubmitJobStreams", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.SubmitJobStreams(x, f, n, SubmitJobStreamOptions{}, j)
		}),
	}
}

func objectCalls() map[string]call {
	type (
		cl = *Client
		cx = context.Context
		ju = Justification
	)
	patch := json.RawMessage(`{"limit":3}`)
	info := WorkstationConnectInfo{Connection: "a"}
	key := func(method string, f func(cl, cx, string, ju) (rr, error)) call {
		return drop(method, func(x cx, c cl) (rr, error) { return f(c, x, "/MDM", why) })
	}
	m := map[string]call{
		"linkPlanWorkstationById":                     bare("LinkWorkstation", cl.LinkWorkstation),
		"linkPlanWorkstationByFilter":                 filterCall("LinkWorkstations", cl.LinkWorkstations),
		"unlinkPlanWorkstationById":                   bare("UnlinkWorkstation", cl.UnlinkWorkstation),
		"unlinkPlanWorkstationByFilter":               filterCall("UnlinkWorkstations", cl.UnlinkWorkstations),
		"startPlanWorkstationById":                    bare("StartWorkstation", cl.StartWorkstation),
		"startPlanWorkstationByFilter":                filterCall("StartWorkstations", cl.StartWorkstations),
		"stopPlanWorkstationById":                     bare("StopWorkstation", cl.StopWorkstation),
		"stopPlanWorkstationByFilter":                 filterCall("StopWorkstations", cl.StopWorkstations),
		"startEventMonitoringPlanWorkstationById":     bare("StartEventMonitoring", cl.StartEventMonitoring),
		"startEventMonitoringPlanWorkstationByFilter": filterCall("StartEventMonitoringAll", cl.StartEventMonitoringAll),
		"stopEventMonitoringPlanWorkstationById":      bare("StopEventMonitoring", cl.StopEventMonitoring),
		"stopEventMonitoringPlanWorkstationByFilter":  filterCall("StopEventMonitoringAll", cl.StopEventMonitoringAll),
		"upgradePlanWorkstationById":                  bare("UpgradeWorkstation", cl.UpgradeWorkstation),
		"upgradePlanWorkstationByFilter":              filterCall("UpgradeWorkstations", cl.UpgradeWorkstations),
		"connectToHostCpuPlanWorkstationById":         bare("ConnectToHostCPU", func(c cl, x cx, id string, j ju) (rr, error) { return c.ConnectToHostCPU(x, id, info, j) }),
		"connectToHostCpuPlanWorkstationByFilter":     filterCall("ConnectToHostCPUAll", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.ConnectToHostCPUAll(x, f, n, info, j) }),
		"setOnlinePlanWorkstationById":                drop("SetWorkstationOnline", func(x cx, c cl) (rr, error) { return c.SetWorkstationOnline(x, anID) }),
		"setOfflinePlanWorkstationById":               drop("SetWorkstationOffline", func(x cx, c cl) (rr, error) { return c.SetWorkstationOffline(x, anID) }),
		"updateLimitPlanWorkstationById":              bare("UpdateWorkstationLimit", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateWorkstationLimit(x, id, 0, j) }),
		"updateLimitPlanWorkstationByFilter":          filterCall("UpdateWorkstationLimits", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.UpdateWorkstationLimits(x, f, n, 0, j) }),
		"updateFencePlanWorkstationById":              bare("UpdateWorkstationFence", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateWorkstationFence(x, id, 0, j) }),
		"updateFencePlanWorkstationByFilter":          filterCall("UpdateWorkstationFences", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.UpdateWorkstationFences(x, f, n, 5, j) }),
		"startEventProcessorPlanWorkstationByKey":     key("StartEventProcessor", cl.StartEventProcessor),
		"stopEventProcessorPlanWorkstationByKey":      key("StopEventProcessor", cl.StopEventProcessor),
		"switchEventProcessorPlanWorkstationByKey":    key("SwitchEventProcessor", cl.SwitchEventProcessor),
		"becomeMdmPlanWorkstationByKey":               key("BecomeMDM", cl.BecomeMDM),
		"patchPlanWorkstationById":                    byIDCall("PatchWorkstation", func(c cl, x cx, id string, j ju) (rr, error) { return c.PatchWorkstation(x, id, patch, j) }),
		"patchPlanWorkstationByFilter":                filterCall("PatchWorkstations", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.PatchWorkstations(x, f, n, patch, j) }),
		"updatePlanWorkstationCollectAgentLogs":       drop("CollectAgentLogs", func(x cx, c cl) (rr, error) { return c.CollectAgentLogs(x, ComponentCommandInfo{WorkstationName: "A"}) }),
		"healthStatusPlanWorkstationById":             drop("WorkstationHealth", func(x cx, c cl) (rr, error) { return c.WorkstationHealth(x, anID) }),
		"monitoringConfigurationPlanWorkstationById":  drop("WorkstationMonitoringConfiguration", func(x cx, c cl) (rr, error) { return c.WorkstationMonitoringConfiguration(x, anID) }),
		"healthStatusPlanWorkstationByFilter":         drop("WorkstationsHealth", func(x cx, c cl) (far, error) { return c.WorkstationsHealth(x, WithID(anID), 1) }),
		"monitoringConfigurationPlanWorkstationByFilter": drop("WorkstationsMonitoringConfiguration", func(x cx, c cl) (far, error) {
			return c.WorkstationsMonitoringConfiguration(x, WithID(anID), 1)
		}),
		"updateQuantityPlanResourceById":     bare("UpdateResourceQuantity", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateResourceQuantity(x, id, 3, j) }),
		"updateQuantityPlanResourceByFilter": filterCall("UpdateResourceQuantities", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.UpdateResourceQuantities(x, f, n, 3, j) }),
		"patchPlanResourceById": byIDCall("PatchResource", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.PatchResource(x, id, json.RawMessage(`{"quantity":3}`), j)
		}),
		"patchPlanResourceByFilter": filterCall("PatchResources", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.PatchResources(x, f, n, json.RawMessage(`{"quantity":3}`), j)
		}),
		"replyPlanPromptById": bare("ReplyPrompt", func(c cl, x cx, id string, j ju) (rr, error) { return c.ReplyPrompt(x, id, true, j) }),
	}
	return m
}

func modelCalls() map[string]call {
	m := map[string]call{
		"postModelCommonConvert": drop("ConvertDefinitions", func(x context.Context, c *Client) (string, error) {
			return c.ConvertDefinitions(x, "JOBS", FormatComposer, FormatJSON)
		}),
		"postModelCommonConvertOne": drop("ConvertDefinition", func(x context.Context, c *Client) (string, error) {
			return c.ConvertDefinition(x, "a: 1", FormatYAML, FormatComposer)
		}),
		"getModelCommonAutocomplete": drop("CompleteKey", func(x context.Context, c *Client) ([]Suggestion, error) {
			return c.CompleteKey(x, "JobDefinition", "PAY", CompleteOptions{Exact: true, Limit: 5})
		}),
		"getModelCommonOutputConditions": drop("OutputConditions", func(x context.Context, c *Client) ([]string, error) { return c.OutputConditions(x, anID) }),
		"listModelService":               drain("Services", func(x context.Context, c *Client) iter.Seq2[*ModelObject, error] { return c.Services(x, ListOptions{}) }),
		"getModelServiceById":            drop("Service", func(x context.Context, c *Client) (*ModelObject, error) { return c.Service(x, anID) }),
		"getModelServiceTags":            drop("ServiceTags", func(x context.Context, c *Client) ([]string, error) { return c.ServiceTags(x) }),
	}
	for id, kind := range map[string]ModelPath{"Calendar": ModelCalendar, "Credentials": ModelCredentials, "Domain": ModelDomain, "Folder": ModelFolder,
		"JobDefinition": ModelJobDefinition, "JobStream": ModelJobStream, "Prompt": ModelPrompt, "Resource": ModelResource, "RunCycleGroup": ModelRunCycleGroup,
		"Variable": ModelVariable, "VariableTable": ModelVariableTable, "WorkloadApplicationTemplate": ModelTemplate, "Workstation": ModelWorkstation,
		"WorkstationClass": ModelWorkstationClass} {
		m["listModel"+id] = drain("Definitions", func(x context.Context, c *Client) iter.Seq2[*ModelObject, error] {
			return c.Definitions(x, kind, ListOptions{Filter: Where(oql.Like("name", "A@"))})
		})
		m["getModel"+id+"ById"] = drop("Definition", func(x context.Context, c *Client) (*ModelObject, error) { return c.Definition(x, kind, anID) })
	}
	return m
}

// recorder answers every request with the least the specification allows and keeps the request.
type recorder struct {
	spec *spec
	got  []*http.Request
	body []byte
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.got = append(r.got, req)
	r.body, _ = io.ReadAll(req.Body)
	op := r.spec.find(req.Method, req.URL.EscapedPath())
	if op == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	for code, resp := range op.Responses {
		if strings.HasPrefix(code, "2") {
			fmt.Fprint(w, leastAnswer(w, r.spec, resp.Content))
		}
	}
}

func leastAnswer(w http.ResponseWriter, s *spec, c content) string {
	w.Header().Set("Content-Type", "application/json")
	body, ok := c["application/json"]
	if !ok {
		w.Header().Set("Content-Type", "text/plain")
		return ""
	}
	switch sch := s.resolve(body.Schema); {
	case sch == nil:
		return "{}"
	case sch.Type == "array":
		return "[]"
	case sch.Properties["successfulResourceResponses"] != nil:
		return `{"successfulResourceResponses":[{"id":"` + anID + `"}],"failedResourceResponses":[]}`
	case sch.Properties["results"] != nil:
		return `{"count":0,"results":[]}`
	}
	return "{}"
}

// TestConformance walks operations.tsv: every operation is implemented, and then its request is checked against the
// specification, or stands in docs/hwa-coverage.md with the reason.
func TestConformance(t *testing.T) {
	s := loadSpec(t)
	all := calls()
	omitted := coverage(t, "Not offered")
	for id, op := range s.ops {
		call, implemented := all[id]
		_, documented := omitted[id]
		switch {
		case implemented && documented:
			t.Errorf("%s is implemented and yet documented as not offered", id)
		case documented:
		case !implemented:
			t.Errorf("%s (%s %s) is neither implemented nor documented", id, op.Method, op.Path)
		default:
			t.Run(id, func(t *testing.T) { checkCall(t, s, op, call) })
		}
	}
	for id := range all {
		if s.ops[id] == nil {
			t.Errorf("%s is no operation", id)
		}
	}
	for id, why := range omitted {
		if s.ops[id] == nil || len(why) < 20 {
			t.Errorf("docs/hwa-coverage.md: %s is no operation or has no reason", id)
		}
	}
}

func checkCall(t *testing.T, s *spec, op *operation, call call) {
	rec := &recorder{spec: s}
	srv := httptest.NewServer(rec)
	defer srv.Close()
	c := newClient(t, Config{BaseURLs: []string{srv.URL}})
	if err := call.run(t.Context(), c); err != nil {
		t.Fatalf("%s: %v", call.method, err)
	}
	if len(rec.got) != 1 {
		t.Fatalf("%s sent %d requests", call.method, len(rec.got))
	}
	req := rec.got[0]
	if got := s.find(req.Method, req.URL.EscapedPath()); got != op {
		t.Fatalf("%s sent %s %s", call.method, req.Method, req.URL.EscapedPath())
	}
	checkQuery(t, op, req.URL.Query())
	checkHeaders(t, op, req)
	checkBody(t, s, op, req, rec.body)
}

func checkQuery(t *testing.T, op *operation, q url.Values) {
	t.Helper()
	for _, p := range op.Parameters {
		if p.In == "query" && !q.Has(p.Name) && (p.Required || p.Name == "max_object_affected") {
			t.Errorf("the query parameter %s is missing", p.Name)
		}
	}
	for name := range q {
		// fence is the name 10.2.8 gives to priority; both are sent.
		if !op.declares("query", name) && name != "fence" {
			t.Errorf("the query parameter %s is not in the specification", name)
		}
	}
}

func checkHeaders(t *testing.T, op *operation, req *http.Request) {
	t.Helper()
	plain := []string{"Accept", "Accept-Encoding", "Authorization", "Content-Type", "Content-Length", "User-Agent"}
	for name := range req.Header {
		if !slices.Contains(plain, name) && !op.declares("header", name) {
			t.Errorf("the header %s is not in the specification", name)
		}
	}
	if req.Method == http.MethodGet || strings.Contains(op.Path, "/engine/") {
		return
	}
	for name, want := range map[string]string{"Justification-Category": "incident", "Justification-Description": "month-end late", "Justification-Ticket-Num": "INC-1"} {
		if got := req.Header.Get(name); op.declares("header", name) && got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
}

func checkBody(t *testing.T, s *spec, op *operation, req *http.Request, body []byte) {
	t.Helper()
	if req.Method == http.MethodGet {
		if len(body) > 0 {
			t.Errorf("a GET carries the body %q", body)
		}
		return
	}
	if op.RequestBody == nil {
		if string(body) != "{}" || req.Header.Get("Content-Type") != "application/json" {
			t.Errorf("body %q of type %q, want {} as JSON", body, req.Header.Get("Content-Type"))
		}
		return
	}
	declared, ok := op.RequestBody.Content[req.Header.Get("Content-Type")]
	if !ok {
		t.Errorf("the content type %s is not in the specification", req.Header.Get("Content-Type"))
	}
	var sent map[string]any
	sch := s.resolve(declared.Schema)
	if req.Header.Get("Content-Type") != "application/json" || len(sch.Properties) == 0 {
		return
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		t.Fatalf("the body is no JSON object: %v", err)
	}
	for k := range sent {
		if sch.Properties[k] == nil {
			t.Errorf("the body's field %s is not in the specification", k)
		}
	}
}

var coverageRow = regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\| (.*?) \\|$")

// coverage reads one table of docs/hwa-coverage.md.
func coverage(t *testing.T, section string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "docs", "hwa-coverage.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(data), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("docs/hwa-coverage.md has no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	out := map[string]string{}
	for _, m := range coverageRow.FindAllStringSubmatch(text, -1) {
		if _, twice := out[m[1]]; twice {
			t.Errorf("docs/hwa-coverage.md lists %s twice", m[1])
		}
		out[m[1]] = m[2]
	}
	return out
}

// TestCoverageDoc compares the table of implemented operations with the calls of TestConformance, and every exported method that
// sends a request with both. It needs no data.
func TestCoverageDoc(t *testing.T) {
	want := map[string]string{}
	used := map[string]bool{}
	typ := reflect.TypeFor[*Client]()
	for id, call := range calls() {
		want[id] = "`" + call.method + "`"
		used[call.method] = true
		if _, ok := typ.MethodByName(call.method); !ok {
			t.Errorf("the client has no method %s", call.method)
		}
	}
	if diff := cmp.Diff(want, coverage(t, "Implemented")); diff != "" {
		t.Errorf("docs/hwa-coverage.md, implemented (-test +doc):\n%s", diff)
	}
	extra := coverage(t, "Beyond the specification")
	for i := range typ.NumMethod() {
		name := typ.Method(i).Name
		takesContext := typ.Method(i).Type.NumIn() > 1 && typ.Method(i).Type.In(1) == reflect.TypeFor[context.Context]()
		if _, ok := extra[name]; !ok && takesContext && !used[name] {
			t.Errorf("method %s is in no table of docs/hwa-coverage.md", name)
		}
	}
	if os.Getenv("HWA_PRINT_COVERAGE") != "" {
		for id, m := range want {
			fmt.Printf("| `%s` | %s |\n", id, m)
		}
	}
}

// TestJustificationAlwaysArrives takes the writes of the plan that, by the specification, accept no justification headers and
// checks that the client still delivers the justification, or has no argument for one.
func TestJustificationAlwaysArrives(t *testing.T) {
	s := loadSpec(t)
	var without []string
	for id, op := range s.ops {
		if op.Method != http.MethodGet && strings.Contains(op.Path, "/plan/") && !op.declares("header", "Justification-Category") {
			without = append(without, id)
		}
	}
	if len(without) != 23 {
		t.Errorf("%d writes of the plan take no justification, hwa.md counts 23: %v", len(without), without)
	}
	noArgument := []string{"setOnlinePlanWorkstationById", "setOfflinePlanWorkstationById", "updatePlanWorkstationCollectAgentLogs",
		"rerunPlanJobStreamSuccessorsById", "patchPlanJobModelById", "postPlanJobAsyncById", "becomeMdmPlanWorkstationById",
		"startEventProcessorPlanWorkstationById", "stopEventProcessorPlanWorkstationById", "switchEventProcessorPlanWorkstationById"}
	type cl = *Client
	type cx = context.Context
	type ju = Justification
	twins := map[string]call{
		"linkPlanWorkstationById":                 byIDCall("LinkWorkstation", cl.LinkWorkstation),
		"unlinkPlanWorkstationById":               byIDCall("UnlinkWorkstation", cl.UnlinkWorkstation),
		"startPlanWorkstationById":                byIDCall("StartWorkstation", cl.StartWorkstation),
		"stopPlanWorkstationById":                 byIDCall("StopWorkstation", cl.StopWorkstation),
		"startEventMonitoringPlanWorkstationById": byIDCall("StartEventMonitoring", cl.StartEventMonitoring),
		"stopEventMonitoringPlanWorkstationById":  byIDCall("StopEventMonitoring", cl.StopEventMonitoring),
		"upgradePlanWorkstationById":              byIDCall("UpgradeWorkstation", cl.UpgradeWorkstation),
		"connectToHostCpuPlanWorkstationById": byIDCall("ConnectToHostCPU", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.ConnectToHostCPU(x, id, WorkstationConnectInfo{}, j)
		}),
		"updateLimitPlanWorkstationById": byIDCall("UpdateWorkstationLimit", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateWorkstationLimit(x, id, 0, j) }),
		"updateFencePlanWorkstationById": byIDCall("UpdateWorkstationFence", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateWorkstationFence(x, id, 0, j) }),
		"updateQuantityPlanResourceById": byIDCall("UpdateResourceQuantity", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateResourceQuantity(x, id, 1, j) }),
		"updatePriorityPlanJobById":      byIDCall("UpdateJobPriority", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateJobPriority(x, id, 1, j) }),
		"replyPlanPromptById":            byIDCall("ReplyPrompt", func(c cl, x cx, id string, j ju) (rr, error) { return c.ReplyPrompt(x, id, true, j) }),
	}
	for _, id := range without {
		if slices.Contains(noArgument, id) {
			continue
		}
		t.Run(id, func(t *testing.T) {
			rec := &recorder{spec: s}
			mux := http.NewServeMux()
			mux.Handle("/", rec)
			// The by-filter reply to prompts came with 10.2.8 and is not in the specification at hand.
			mux.HandleFunc("PUT /twsd/api/v2/plan/prompt/action/reply", func(w http.ResponseWriter, r *http.Request) {
				rec.got = append(rec.got, r)
				fmt.Fprint(w, `{"successfulResourceResponses":[{"id":"x"}],"failedResourceResponses":[]}`)
			})
			srv := httptest.NewServer(mux)
			defer srv.Close()
			if err := twins[id].run(t.Context(), newClient(t, Config{BaseURLs: []string{srv.URL}})); err != nil {
				t.Fatal(err)
			}
			req := rec.got[len(rec.got)-1]
			if req.Header.Get("Justification-Ticket-Num") != "INC-1" {
				t.Errorf("%s %s carries no justification", req.Method, req.URL)
			}
			if op := s.find(req.Method, req.URL.Path); op != nil && op.ID == id {
				t.Errorf("%s went to the form that takes no justification", twins[id].method)
			}
			if q := req.URL.Query(); q.Has("oql") && (q.Get("oql") != "id = '"+anID+"'" || q.Get("max_object_affected") != "1") {
				t.Errorf("the filter is %q with at most %q objects", q.Get("oql"), q.Get("max_object_affected"))
			}
		})
	}
}
